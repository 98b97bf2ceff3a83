import createKnex, { type Knex } from 'knex'
import pg from 'pg'

export type TlsMode = 'off' | 'encrypt' | 'verify'

export interface ConnectOptions {
  readonly url: string
  readonly tls: TlsMode
  readonly poolMax: number
  /** Shown by pg_stat_activity. */
  readonly applicationName: string
  /** Null for migrations, which may take as long as they need. */
  readonly statementTimeoutMs: number | null
}

// Our transactions wait for nothing but Postgres, except the token refresh (10 s): a session idle for longer belongs to
// a paused process and must release its locks.
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
const CONNECT_TIMEOUT_MS = 10_000

/** A pool of connections. Dates and decimals are read as text, bigint as number. */
export function connect(options: ConnectOptions): Knex {
  return createKnex({
    client: 'pg',
    connection: {
      ...connectionOf(options.url, options.tls, options.statementTimeoutMs),
      application_name: options.applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      types: { getTypeParser },
    } as Knex.PgConnectionConfig,
    pool: { min: 0, max: options.poolMax },
    acquireConnectionTimeout: 20_000,
    // Knex would write to the console, past our log; failures are thrown anyway.
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
  })
}

/** `pg`'s connection options for all our sessions: the pool, the queue and its listener. */
export interface Connection {
  readonly connectionString: string
  readonly ssl: false | { rejectUnauthorized: boolean }
  /** Session settings, which override those of the server, the database and the role. */
  readonly options: string
}

/**
 * `pg`'s connection options. We read the address's `sslmode` as libpq does and remove it, because pg reads `require`
 * differently.
 */
export function connectionOf(
  url: string,
  tls: TlsMode,
  statementTimeoutMs: number | null = null,
): Connection {
  const bare = new URL(url)
  const given = bare.searchParams.get('options')
  for (const name of ['sslmode', 'options']) bare.searchParams.delete(name)
  const settings = { ...SESSION_SETTINGS, statement_timeout: String(statementTimeoutMs ?? 0) }
  const pinned = Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  return {
    connectionString: bare.toString(),
    ssl: tls === 'off' ? false : { rejectUnauthorized: tls === 'verify' },
    options: [...(given === null ? [] : [given]), ...pinned].join(' '),
  }
}

/**
 * Every setting of a server, database or role that would change which schema our statements use, how they are parsed,
 * how results look or how long they may take. default_transaction_read_only is left alone: a read-only database stays
 * so.
 */
const SESSION_SETTINGS = {
  // Our tables are all in public, and the queue names its own schema. Temporary tables come last.
  search_path: 'public, pg_temp',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  default_transaction_isolation: 'read committed',
  idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_TIMEOUT_MS),
  lock_timeout: '0',
  idle_session_timeout: '0',
}

function ignore(): void {}

const DATE_OID = 1082
const INT8_OID = 20

// Only for our own connections: pg's parsers are process-wide and pg-boss shares them.
function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === DATE_OID) return (text) => text
  if (oid === INT8_OID) return Number
  return pg.types.getTypeParser(oid, format) as (value: string) => unknown
}
