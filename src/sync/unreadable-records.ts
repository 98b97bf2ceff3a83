import type { Tx } from '../db/database.ts'
import type { Reject } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { readHeld } from './count-held.ts'
import { fenced } from './fenced.ts'
import type { Run } from './run.ts'
import { countsOf } from './run-progress.ts'

/**
 * Records that could not even be read are rejects known by their place in a listing. A settled listing leaves open
 * those that are not live here, so that QuickBooks' count tells how many there are.
 */

/** Closes those that a complete listing did not meet again. */
export async function resolveUnmet(
  tx: Tx,
  run: Run,
  entity: Entity,
  met: ReadonlySet<string>,
): Promise<void> {
  await tx.trx.raw(
    `UPDATE sync_rejects
        SET resolved_at = :now
      WHERE realm_id = :realmId AND entity = :entity AND qbo_id IS NULL AND resolved_at IS NULL
        AND position <> ALL (:met)`,
    { realmId: run.realmId, entity, met: [...met], now: tx.now },
  )
}

/** Where a record could not be read by its id either, the reject by id replaces the one by position. */
export async function nameUnreadable(
  tx: Tx,
  run: Run,
  entity: Entity,
  rejects: readonly Reject[],
): Promise<void> {
  const named = rejects.filter(({ qboId, reason }) => qboId !== null && reason.code === 'poisoned_page')
  await closeSome(tx, run, entity, named.length)
}

/** Closes those of a settled listing that QuickBooks does not count: one record may have been met in two places. */
export async function trimUnreadable(run: Run, entity: Entity, count: number): Promise<void> {
  const { unreadable, uncounted } = await holdAgainst(run, entity, count)
  if (unreadable > 0 && uncounted > 0) await fenced(run, (tx) => closeSome(tx, run, entity, uncounted))
}

/**
 * Where records came or went in an entity with unreadable ones, asks QuickBooks' count whether the unreadable ones are
 * among them.
 *
 * @returns false when some of several are: only a listing tells which.
 */
export async function checkUnreadable(run: Run, entity: Entity): Promise<boolean> {
  const { inserted, revived, buried, rejected } = countsOf(run, entity)
  if (!run.openRejects.has(entity) || inserted + revived + buried + rejected === 0) return true
  const { unreadable, unsettled } = await readHeld(run, entity)
  if (unreadable === 0 || unsettled > 0) return true
  const { count } = await run.reader.count(entity)
  const { uncounted } = await holdAgainst(run, entity, count)
  if (uncounted > 0 && uncounted < unreadable) return false
  if (uncounted > 0) await fenced(run, (tx) => closeSome(tx, run, entity, uncounted))
  return true
}

/** How many of the unreadable records QuickBooks does not count; zero where it counts fewer than it has shown. */
async function holdAgainst(run: Run, entity: Entity, count: number) {
  const { live, rejected, unreadable } = await readHeld(run, entity)
  const counted = count - live - rejected
  return { unreadable, uncounted: counted < 0 ? 0 : Math.max(0, unreadable - counted) }
}

async function closeSome(tx: Tx, run: Run, entity: Entity, most: number): Promise<void> {
  if (most === 0) return
  await tx.trx.raw(
    `UPDATE sync_rejects
        SET resolved_at = :now
      WHERE id IN (SELECT id
                     FROM sync_rejects
                    WHERE realm_id = :realmId AND entity = :entity AND qbo_id IS NULL AND resolved_at IS NULL
                    ORDER BY id
                    LIMIT :most)`,
    { realmId: run.realmId, entity, most, now: tx.now },
  )
}
