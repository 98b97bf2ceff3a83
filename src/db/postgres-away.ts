/**
 * True for an error that says Postgres cannot be reached, or not now, and nothing about what was asked. Errors of
 * other sockets look alike: only for what a query threw.
 */
export function isPostgresAway(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { name, code, message } = error as Record<string, unknown>
  // The pool waits for a connection and gives up.
  if (name === 'KnexTimeoutError') return true
  return typeof code === 'string' ? AWAY_CODES.test(code) : PG_MESSAGES.test(String(message))
}

// Of sockets; and SQLSTATE's connection exceptions, a server that starts or stops, and one that is full.
const AWAY_CODES =
  /^(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|08\w{3}|57P0[123]|53300)$/
// pg's own words have no code; knex puts the statement in front of them.
const PG_MESSAGES =
  /(?:Connection terminated|Connection terminated unexpectedly|Connection terminated due to connection timeout|timeout expired|is not queryable)$/
