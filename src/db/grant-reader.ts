import type { Knex } from 'knex'
import { rowsOf } from './database.ts'

const RECORDS = ['bills', 'invoices', 'balances', 'vendors', 'customers'] as const

// Views work with their owner's rights. Functions are inlined into the reader's statement, so that a WHERE reaches the
// index, and so need the reader's own on what they read.
const VIEWS = [
  'bills_current',
  'invoices_current',
  'balances_current',
  ...RECORDS.map((table) => `${table}_versions`),
  'open_items',
  'company_freshness',
]
const TABLES = RECORDS.flatMap((table) => [table, `${table}_history`])

/** Of these a reader sees only what tells about records: nothing of how a company is operated. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  companies: ['realm_id', 'name', 'status', 'home_currency', 'time_zone', 'tags'],
  sync_rejects: ['realm_id', 'entity', 'qbo_id', 'first_seen_at', 'resolved_at'],
  sync_runs: ['id', 'realm_id', 'trigger', 'mode', 'status', 'started_at', 'finished_at'],
}

export interface Granted {
  readonly views: readonly string[]
  readonly tables: readonly string[]
  readonly columns: Readonly<Record<string, readonly string[]>>
}

/**
 * Gives a role of Postgres what a reader of SQL needs, and nothing of connections, tokens, sessions or the queue. Safe
 * to repeat; after an upgrade it adds what is new.
 *
 * @throws Error of one sentence where there is no such role.
 */
export async function grantReader(knex: Knex, role: string): Promise<Granted> {
  await knex.transaction(async (trx) => {
    const found = await rowsOf(trx, `SELECT FROM pg_roles WHERE rolname = :role`, { role })
    if (found.length === 0) {
      throw new Error(
        `There is no role "${role}" in this Postgres: CREATE ROLE … LOGIN PASSWORD '…' makes one`,
      )
    }
    await trx.raw(`GRANT USAGE ON SCHEMA public TO ??`, [role])
    await trx.raw(`GRANT SELECT ON ${[...VIEWS, ...TABLES].join(', ')} TO ??`, [role])
    for (const [table, columns] of Object.entries(COLUMNS)) {
      await trx.raw(`GRANT SELECT (${columns.join(', ')}) ON ${table} TO ??`, [role])
    }
  })
  return { views: VIEWS, tables: TABLES, columns: COLUMNS }
}
