import { rowsOf } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { deleteMissing } from './delete-missing.ts'
import { fenced } from './fenced.ts'
import { putOffRejects } from './keep-rejects.ts'
import type { Run } from './run.ts'
import { noteRejected } from './run-progress.ts'
import { entityError, noteTrouble } from './for-each-entity.ts'
import { writePage } from './write-page.ts'

// One query by id takes this many; the rest wait for the next run.
const RETRIES_PER_RUN = 100

/**
 * Reads the rejected records that are due again: corrected in QuickBooks, mappable since an upgrade, or gone. Where the
 * count does not confirm that they are gone, they stay rejects until a listing settles it.
 */
export async function retryRejects(run: Run): Promise<void> {
  for (const entity of run.openRejects) if (!run.troubles.has(entity)) await retryEntity(run, entity)
}

async function retryEntity(run: Run, entity: Entity): Promise<void> {
  const due = await readDue(run, entity)
  if (due.length === 0) return
  try {
    const missing = await readAgain(run, entity, due)
    if (missing.length > 0) await fenced(run, (tx) => putOffRejects(tx, run, entity, missing))
  } catch (thrown) {
    const error = entityError(run, thrown)
    if (error?.code === 'mass_disappearance') noteTrouble(run, entity, thrown, 'listing')
    else if (!error) throw thrown
    // Rejects hold no watermark, so failing to ask for them holds none either.
    await fenced(run, (tx) => putOffRejects(tx, run, entity, due))
    noteRejected(run, entity, due.length)
  }
}

/** @returns those that are still not settled: QuickBooks does not find them, but counts them. */
async function readAgain(run: Run, entity: Entity, due: readonly string[]): Promise<readonly string[]> {
  const { page, missing } = await run.reader.byIds(entity, due)
  await writePage(run, entity, page, { authoritative: true })
  if (missing.length === 0) return []
  const { count } = await run.reader.count(entity)
  const { observedAt } = page
  return (await deleteMissing(run, entity, { qboIds: missing, observedAt, count })) ? [] : missing
}

async function readDue(run: Run, entity: Entity): Promise<string[]> {
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
  return due.map(({ qboId }) => qboId)
}
