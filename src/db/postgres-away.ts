import { nativeError } from './postgres-error.ts'

/**
 * One clause on why Postgres is unreachable or unable right now, with nothing of the statement: a later try may
 * succeed. Null for an error that says anything else. Errors of other sockets look the same, so use it only on what a
 * query threw.
 */
export function whyPostgresAway(thrown: unknown): string | null {
  const error = nativeError(thrown)
  if (typeof error !== 'object' || error === null) return null
  const { name, code, message } = error as Record<string, unknown>
  // The pool waits for a connection and gives up.
  if (name === 'KnexTimeoutError') return POSTGRES_AWAY
  if (typeof code === 'string') return REASONS.find(([codes]) => codes.test(code))?.[1] ?? null
  return PG_MESSAGES.test(String(message)) ? POSTGRES_AWAY : null
}

export const POSTGRES_AWAY = 'Postgres does not answer'
export const POSTGRES_READ_ONLY = 'Postgres takes no writes: the database is read-only'

/** Error codes of sockets, and SQLSTATEs. */
const REASONS: readonly (readonly [codes: RegExp, reason: string])[] = [
  [
    /^(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/,
    POSTGRES_AWAY,
  ],
  // Connection exceptions; a server that is starting or stopping, or ended the session; and a session that was idle in
  // a transaction for too long.
  [/^(?:08\w{3}|57P0\d|25P03)$/, POSTGRES_AWAY],
  [/^53300$/, 'Postgres has no connection left'],
  // Out of disk, memory or another resource.
  [/^53\w{3}$/, 'Postgres has run out of room'],
  // What a failover leaves behind for a while, and a standby.
  [/^25006$/, POSTGRES_READ_ONLY],
  // Statement timeout, lock not available, deadlock, serialization failure.
  [/^(?:57014|55P03|40P01|40001)$/, 'Postgres is too busy'],
]

// pg's own errors have no code; knex puts the statement in front of their message.
const PG_MESSAGES =
  /(?:Connection terminated|Connection terminated unexpectedly|Connection terminated due to connection timeout|timeout expired|is not queryable)$/
