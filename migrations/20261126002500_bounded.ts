import type { Knex } from 'knex'

/**
 * What housekeeping goes by, and what is asked of the runs of one company however many it has. Built beside a running
 * service, and again from the start by the next `npm run migrate` if that was killed.
 */
export const config = { transaction: false }

export async function up(knex: Knex): Promise<void> {
  for (const [name, definition] of INDEXES) await buildIndex(knex, name, definition)
  await knex.raw(
    `COMMENT ON COLUMN sync_rejects.payload IS 'JSON text as QuickBooks sent it; text because jsonb refuses what may be wrong with it. Empty once the reject has been resolved for RUN_RETENTION_DAYS.'`,
  )
  await knex.raw(
    `COMMENT ON COLUMN quickbooks_calls.day IS 'The day in UTC. Of a month more than 13 months ago all calls stand at its first day.'`,
  )
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`COMMENT ON COLUMN quickbooks_calls.day IS 'The day in UTC.'`)
  await knex.raw(
    `COMMENT ON COLUMN sync_rejects.payload IS 'JSON text as QuickBooks sent it; text because jsonb refuses what may be wrong with it.'`,
  )
  for (const [name] of INDEXES) await knex.raw(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`)
}

const INDEXES: readonly (readonly [name: string, definition: string])[] = [
  ['sync_runs_of_company', 'ON sync_runs (realm_id, id)'],
  ['sync_runs_with_error', 'ON sync_runs (realm_id, started_at DESC, id DESC) WHERE error_code IS NOT NULL'],
  ['sync_rejects_settled', `ON sync_rejects (resolved_at) WHERE resolved_at IS NOT NULL AND payload <> ''`],
  ['tombstones_by_deletion', 'ON tombstones (deleted_at)'],
]

async function buildIndex(knex: Knex, name: string, definition: string): Promise<void> {
  const { rows } = await knex.raw<{ rows: { valid: boolean }[] }>(
    'SELECT i.indisvalid AS valid FROM pg_index i WHERE i.indexrelid = to_regclass(?)',
    [`public.${name}`],
  )
  if (rows[0]?.valid) return
  // What a killed build leaves is kept up by every write and used by no read.
  if (rows[0]) await knex.raw(`DROP INDEX CONCURRENTLY ${name}`)
  await knex.raw(`CREATE INDEX CONCURRENTLY ${name} ${definition}`)
}
