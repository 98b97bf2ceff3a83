/** True for an error that Postgres itself raised; its `code` is the SQLSTATE. */
export function isPostgresError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string'
}

/** What a query threw, without Objection's wrapper, which has neither code nor severity. */
export function nativeError(thrown: unknown): unknown {
  return thrown instanceof Error && 'nativeError' in thrown ? thrown.nativeError : thrown
}

/** Postgres' message, without the statement that knex puts in front of it. */
export function postgresWords({ message }: Error): string {
  return message.slice(message.lastIndexOf(' - ') + 1).replace(/^- /, '')
}
