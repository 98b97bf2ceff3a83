import pg from 'pg'
import { createTestDatabase } from '../setup/test-database.ts'

export const REALM = '4620816300000000201'
export const OTHER_REALM = '4620816300000000202'

export const TABLES = ['vendors', 'customers', 'balances', 'bills', 'invoices'] as const

/** SQLSTATE of everything that the guards refuse. */
export const REFUSED = { code: '42501' }

type Row = Record<string, unknown>

/** A migrated database and sessions on it, each its own connection of the owner, who is a superuser as well. */
export interface TestHistory {
  /** Runs one statement on the first session. */
  run(sql: string, values?: unknown[]): Promise<Row[]>
  /** Another session. */
  connect(): Promise<TestSession>
  close(): Promise<void>
}

export interface TestSession {
  readonly pid: number
  run(sql: string, values?: unknown[]): Promise<Row[]>
}

export async function openHistory(): Promise<TestHistory> {
  const { url, drop } = await createTestDatabase()
  const clients: pg.Client[] = []
  const connect = async (): Promise<TestSession> => {
    const client = new pg.Client({ connectionString: url })
    clients.push(client)
    await client.connect()
    const run = async (sql: string, values: unknown[] = []) => (await client.query<Row>(sql, values)).rows
    const [session] = await run('SELECT pg_backend_pid() AS pid')
    return { pid: session!.pid as number, run }
  }
  const first = await connect()
  return {
    run: first.run,
    connect,
    async close() {
      await Promise.all(clients.map((client) => client.end()))
      await drop()
    },
  }
}

/** Inserts a record of a mirrored table, filled with plausible values. */
export async function insertRecord(
  { run }: Pick<TestHistory, 'run'>,
  table: string,
  given: Row = {},
): Promise<void> {
  const row: Row = { realm_id: REALM, qbo_id: '1', ...SHARED, ...CONTENT[table], ...given }
  const columns = Object.keys(row)
  await run(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((_, at) => `$${at + 1}`).join(', ')})`,
    Object.values(row),
  )
}

/** Every version of every record of a table, oldest first, as JSON text would hold it. */
export async function versionsOf(
  { run }: Pick<TestHistory, 'run'>,
  table: string,
  realmId = REALM,
): Promise<Row[]> {
  const rows = await run(
    `SELECT to_jsonb(v) AS version FROM ${table}_versions v WHERE realm_id = $1 ORDER BY qbo_id, valid_from`,
    [realmId],
  )
  return rows.map(({ version }) => version as Row)
}

/** Waits until a session waits for a lock that another one holds. */
export async function blocked({ run }: Pick<TestHistory, 'run'>, { pid }: TestSession): Promise<void> {
  for (;;) {
    const [row] = await run('SELECT cardinality(pg_blocking_pids($1)) AS blockers', [pid])
    if (Number(row!.blockers) > 0) return
  }
}

const SHARED = {
  sync_token: '0',
  source_created_at: '2026-10-01T08:00:00Z',
  source_updated_at: '2026-10-02T08:00:00Z',
  source_valid_from: '2026-10-02T08:00:00Z',
  observed_at: '2026-10-02T08:01:00Z',
  last_synced_at: '2026-10-02T08:01:01Z',
  content_hash: 'a',
  mapping_version: 1,
  sync_run_id: 1,
  raw: '{"Id":"1"}',
}

const CONTENT: Record<string, Row> = {
  vendors: { display_name: 'Harbor Paper', active: true },
  customers: { display_name: 'Quayside Books', active: true },
  balances: { account_name: 'Checking', current_balance: '120.50', active: true },
  bills: { vendor_id: '7', txn_date: '2026-10-01', total_amount: '100.10', balance: '100.10' },
  invoices: {
    customer_id: '8',
    txn_date: '2026-10-01',
    total_amount: '200.20',
    balance: '200.20',
    voided: false,
  },
}
