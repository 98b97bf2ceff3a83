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
      ...connectionOf(options.url, options.tls),
      application_name: options.applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      ...(options.statementTimeoutMs === null ? {} : { statement_timeout: options.statementTimeoutMs }),
      keepAlive: true,
      types: { getTypeParser },
    } as Knex.PgConnectionConfig,
    pool: { min: 0, max: options.poolMax },
    acquireConnectionTimeout: 20_000,
    // Knex would write to the console, past the log; what fails is thrown as well.
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
  })
}

/**
 * What `pg` takes to connect. The `sslmode` of the address is read by us, in libpq's sense, and taken out of it:
 * pg's own reading of `require` differs.
 */
export function connectionOf(
  url: string,
  tls: TlsMode,
): { connectionString: string; ssl: false | { rejectUnauthorized: boolean } } {
  const bare = new URL(url)
  bare.searchParams.delete('sslmode')
  return {
    connectionString: bare.toString(),
    ssl: tls === 'off' ? false : { rejectUnauthorized: tls === 'verify' },
  }
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
