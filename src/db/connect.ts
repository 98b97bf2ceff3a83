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

// A transaction of ours never waits for anything but Postgres, except the token refresh (10 s): a session that
// stands still longer is a paused process and must let its locks go.
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
const CONNECT_TIMEOUT_MS = 10_000

/** A pool of connections. Dates of a day and big decimals come as text, bigint as number. */
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
    // Knex would write to the console, past the log; what fails is thrown as well.
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
  })
}

/** What `pg` takes to connect, as every session of ours does: of the pool, of the queue and of its listener. */
export interface Connection {
  readonly connectionString: string
  readonly ssl: false | { rejectUnauthorized: boolean }
  /** Settings of the session, which win over those of the server, the database and the role. */
  readonly options: string
}

/**
 * What `pg` takes to connect. The `sslmode` of the address is read by us, in libpq's sense, and taken out of it:
 * pg's own reading of `require` differs.
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
 * Whatever of a server's, a database's or a role's settings would change where our statements look, how they are read,
 * what their answers look like or how long they may take. default_transaction_read_only is left alone: a database that
 * must not be written stays so.
 */
const SESSION_SETTINGS = {
  // Everything of ours is in public, and the queue names its own schema. Temporary tables come last.
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
