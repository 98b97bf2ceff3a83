import { whyPostgresAway } from './postgres-away.ts'
import { isPostgresError, nativeError, postgresWords } from './postgres-error.ts'

// Wrong role or password, and a database that does not exist.
const NOT_LET_IN = /^(?:28\w{3}|3D000)$/

/**
 * What a program says that has to end. Where its database does not let it in: which one, by which variable it is set,
 * and Postgres' own words; never the password.
 *
 * @param databaseUrl null with a Postgres of our own, or as long as it is not known.
 */
export function describeFailure(thrown: unknown, databaseUrl: string | null): string {
  const error = nativeError(thrown)
  if (!(error instanceof Error)) return String(error)
  if (databaseUrl === null || !isOfDatabase(error)) return error.message
  const { hostname, port, pathname } = new URL(databaseUrl)
  const name = decodeURIComponent(pathname.slice(1))
  return (
    `The database ${name} at ${hostname}:${port === '' ? '5432' : port}, which DATABASE_URL names, cannot be used: ` +
    `${postgresWords(error)}. Start it, or correct DATABASE_URL.`
  )
}

function isOfDatabase(error: Error): boolean {
  return whyPostgresAway(error) !== null || (isPostgresError(error) && NOT_LET_IN.test(error.code))
}
