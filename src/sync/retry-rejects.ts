import { rowsOf } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { fenced } from './fenced.ts'
import { resolveRejects } from './keep-rejects.ts'
import type { Run } from './run.ts'
import { takePage } from './take-page.ts'

// One query by id takes so many; the rest is due in the next run.
const RETRIES_PER_RUN = 100

/** Reads rejected records again that are due: corrected in QuickBooks, or mappable since an upgrade. */
export async function retryRejects(run: Run): Promise<void> {
  for (const entity of run.openRejects) await retryEntity(run, entity)
}

async function retryEntity(run: Run, entity: Entity): Promise<void> {
  const due = await rowsOf<{ qboId: string }>(
    run.database.knex,
    `SELECT qbo_id AS "qboId"
       FROM sync_rejects
      WHERE realm_id = :realmId AND entity = :entity AND qbo_id IS NOT NULL AND resolved_at IS NULL
        AND retry_at <= :now
      ORDER BY retry_at
      LIMIT :most`,
    { realmId: run.realmId, entity, now: run.database.clock.now(), most: RETRIES_PER_RUN },
  )
  if (due.length === 0) return
  const { page, missing } = await run.reader.byIds(
    entity,
    due.map((row) => row.qboId),
  )
  await takePage(run, entity, page, { authoritative: true })
  await fenced(run, (tx) => resolveRejects(tx, run, entity, missing))
}
