import type { Knex } from 'knex'

/**
 * Room on every page for rows that are touched, so that a touch writes no index entry, and vacuums that come while a
 * table of millions of rows still has thousands of dead ones. Takes no lock that a reader or a writer waits for. Pages
 * that are full already get their room as their rows are rewritten.
 */
export async function up(knex: Knex): Promise<void> {
  for (const [table, settings] of SETTINGS) {
    const set = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
    await knex.raw(`ALTER TABLE ${table} SET (${set.join(', ')})`)
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const [table, settings] of SETTINGS) {
    await knex.raw(`ALTER TABLE ${table} RESET (${Object.keys(settings).join(', ')})`)
  }
}

const MIRRORED_TABLES = ['vendors', 'customers', 'balances', 'bills', 'invoices']

const VACUUM_IN_TIME = { autovacuum_vacuum_scale_factor: 0.05, autovacuum_analyze_scale_factor: 0.02 }

type Settings = Readonly<Record<string, number>>

const SETTINGS: readonly (readonly [table: string, settings: Settings])[] = [
  ...MIRRORED_TABLES.flatMap(
    (table) =>
      [
        [table, { fillfactor: 80, ...VACUUM_IN_TIME, 'toast.autovacuum_vacuum_scale_factor': 0.05 }],
        // Only ever inserted to: a vacuum lets indexes be read without the table, and freezes a part at a time.
        [
          `${table}_history`,
          { autovacuum_vacuum_insert_scale_factor: 0.05, autovacuum_analyze_scale_factor: 0.02 },
        ],
      ] as const,
  ),
  ['sync_runs', VACUUM_IN_TIME],
  // The rows of a day lie side by side and are all raised once a run.
  ['quickbooks_calls', { fillfactor: 80, ...VACUUM_IN_TIME }],
  ['sync_states', { fillfactor: 70, ...VACUUM_IN_TIME }],
  ['metric_totals', { fillfactor: 70, ...VACUUM_IN_TIME }],
]
