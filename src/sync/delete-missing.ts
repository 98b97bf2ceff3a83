import { rowsOf } from '../db/database.ts'
import type { Tombstone } from '../domain/change.ts'
import { ENTITIES, type Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { countHeld, readHeld } from './count-held.ts'
import { endDoubt, FEW_RECORDS, refuseUnconfirmed, type Vanished } from './disappearance.ts'
import { OVERLAP_MS } from './entity-state.ts'
import type { Run } from './run.ts'
import { addCounts } from './run-progress.ts'
import { writePage } from './write-page.ts'

export interface MissingRecords {
  /** Ids that a reading by id did not find. */
  readonly qboIds: readonly string[]
  /** The `time` of that reading. */
  readonly observedAt: Date
  /** How many records QuickBooks counts. */
  readonly count: number
}

/**
 * The one place where a delete is inferred. A reading by id that finds nothing is no proof: no more records are taken
 * to be gone than the mirror holds beyond QuickBooks' count. Their rows and rejects end together.
 *
 * @returns false when more than that are missing: QuickBooks contradicts itself, and nothing was done.
 * @throws LedgerError `mass_disappearance` when more than half of an entity's records are gone and these are not few,
 *   or most of the company's records are, and no person has confirmed it.
 */
export async function deleteMissing(
  run: Run,
  entity: Entity,
  { qboIds, observedAt, count }: MissingRecords,
): Promise<boolean> {
  if (qboIds.length === 0) return true
  const { live, rejected, unreadable } = await readHeld(run, entity)
  if (qboIds.length > live + rejected + unreadable - count) return false
  const vanished = { missing: qboIds.length, held: live + rejected }
  const isDoubtful = await seemsDisappearance(run, vanished)
  if (isDoubtful) await refuseUnconfirmed(run, entity, vanished)
  const changes = await inferTombstones(run, entity, qboIds, observedAt)
  await writePage(
    run,
    entity,
    { changes, rejects: [], observedAt },
    {
      authoritative: true,
      compares: true,
      along: (tx) => (isDoubtful ? endDoubt(tx, run, entity) : Promise.resolve()),
    },
  )
  // They were not fetched.
  addCounts(run, entity, { fetched: -qboIds.length })
  return true
}

async function seemsDisappearance(run: Run, { missing, held }: Vanished): Promise<boolean> {
  if (missing <= held / 2) return false
  if (missing > FEW_RECORDS || run.isVanishing) return true
  run.isVanishing = await isMostOfCompany(run)
  return run.isVanishing
}

/**
 * A few records may be all that an entity had, and may well go. When those of the other entities are gone too, the
 * company itself vanished. Its lists are short and come first in a run: without this they would be deleted before the
 * rest is looked at.
 */
async function isMostOfCompany(run: Run): Promise<boolean> {
  let [everything, gone] = [0, 0]
  for (const entity of ENTITIES) {
    const held = await countHeld(run, entity)
    if (held === 0) continue
    const { count } = await run.reader.count(entity)
    everything += held
    gone += Math.max(0, held - count)
  }
  return gone === everything || (gone > FEW_RECORDS && gone > everything / 2)
}

/**
 * QuickBooks does not say when a record went: at the latest when we looked for it. A record that changed within the
 * overlap may merely not show yet, because QuickBooks lags behind itself. Its delete is dated no later than that
 * change, so that change data capture, which reports the change again, brings it back.
 */
async function inferTombstones(
  run: Run,
  entity: Entity,
  qboIds: readonly string[],
  observedAt: Date,
): Promise<Tombstone[]> {
  const changedAt = await readChangedAt(run, entity, qboIds)
  return qboIds.map((qboId) => {
    const changed = changedAt.get(qboId) ?? observedAt
    const isFresh = changed.getTime() > observedAt.getTime() - OVERLAP_MS
    return { kind: 'tombstone', qboId, sourceUpdatedAt: isFresh ? changed : observedAt }
  })
}

/** The last known change of each record, rejected ones included. */
async function readChangedAt(
  run: Run,
  entity: Entity,
  qboIds: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  const rows = await rowsOf<{ qboId: string; changedAt: Date | null }>(
    run.database.knex,
    `SELECT qbo_id AS "qboId", max(source_updated_at) AS "changedAt"
       FROM (SELECT qbo_id, source_updated_at
               FROM ${MIRRORED_TABLES[entity].table}
              WHERE realm_id = :realmId AND qbo_id = ANY (:qboIds)
             UNION ALL
             SELECT qbo_id, source_updated_at
               FROM sync_rejects
              WHERE realm_id = :realmId AND entity = :entity AND qbo_id = ANY (:qboIds) AND resolved_at IS NULL) AS known
      GROUP BY qbo_id`,
    { realmId: run.realmId, entity, qboIds: [...qboIds] },
  )
  return new Map(rows.flatMap(({ qboId, changedAt }) => (changedAt ? [[qboId, changedAt]] : [])))
}
