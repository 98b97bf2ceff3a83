import { rowsOf } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import type { Run } from './run.ts'

/** What the mirror holds of an entity. Each record in QuickBooks should be among these exactly once. */
export interface Held {
  readonly live: number
  /** Rejected records that are not live here, known by their id. */
  readonly rejected: number
  /** Records that could not even be read, known by their place in a listing alone. */
  readonly unreadable: number
  /** Of these, the ones from before unreadable records were told apart by id: they may also be live here. */
  readonly unsettled: number
}

export async function readHeld(run: Run, entity: Entity): Promise<Held> {
  const { table } = MIRRORED_TABLES[entity]
  const [held] = await rowsOf<Held>(
    run.database.knex,
    `SELECT (SELECT count(*) FROM ${table} t WHERE t.realm_id = :realmId AND t.deleted_at IS NULL) AS live,
            count(*) FILTER (WHERE r.qbo_id IS NOT NULL
                               AND NOT EXISTS (SELECT FROM ${table} t
                                                WHERE t.realm_id = r.realm_id AND t.qbo_id = r.qbo_id
                                                  AND t.deleted_at IS NULL)) AS rejected,
            count(*) FILTER (WHERE r.qbo_id IS NULL) AS unreadable,
            count(*) FILTER (WHERE r.qbo_id IS NULL AND r.observed_at IS NULL) AS unsettled
       FROM sync_rejects r
      WHERE r.realm_id = :realmId AND r.entity = :entity AND r.resolved_at IS NULL`,
    { realmId: run.realmId, entity },
  )
  return held!
}

export async function countHeld(run: Run, entity: Entity): Promise<number> {
  const { live, rejected, unreadable } = await readHeld(run, entity)
  return live + rejected + unreadable
}

/** True when QuickBooks counts as many records as the mirror holds: nothing is missing and nothing is extra. */
export async function countsAgree(run: Run, entity: Entity): Promise<boolean> {
  const { count } = await run.reader.count(entity)
  return (await countHeld(run, entity)) === count
}
