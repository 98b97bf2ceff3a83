import { rowsOf } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import type { PageRows } from '../quickbooks/quickbooks.ts'
import { stateOf } from './entity-state.ts'
import type { Run } from './run.ts'

/**
 * Keeps how many rows of an entity a page asks for, each time that changes. Outside the transaction of a page, because
 * no page may follow one that was too heavy.
 */
export function pageRowsOf(run: () => Run): PageRows {
  return {
    read: (entity) => stateOf(run(), entity).pageRows,
    keep: (entity, rows) => keep(run(), entity, rows),
  }
}

/** A run that lost its company keeps nothing, and leaves no row for a purged company. */
async function keep(run: Run, entity: Entity, rows: number): Promise<void> {
  await rowsOf(
    run.database.knex,
    `INSERT INTO sync_states (realm_id, entity, page_rows)
     SELECT realm_id, :entity, :rows
       FROM sync_runs
      WHERE id = :runId AND status = 'running'
     ON CONFLICT (realm_id, entity) DO UPDATE SET page_rows = excluded.page_rows`,
    { runId: run.id, entity, rows },
  )
}
