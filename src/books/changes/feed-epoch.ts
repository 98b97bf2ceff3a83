import type { Database } from '../../db/database.ts'
import { rowsOf } from '../../db/database.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { MIRRORED_TABLES } from '../../models/mirrored-tables.ts'

export interface FeedEpoch {
  readonly mark: string
  readonly beganAt: string
  /** Whether anything can have been written before it; false for the first epoch. */
  readonly hasEarlier: boolean
}

/**
 * The epoch in which this cluster numbers its transactions. A cluster that took over from another begins its own epoch
 * on the first read: its numbers may be smaller than those in restored rows.
 */
export async function readFeedEpoch(database: Database): Promise<FeedEpoch> {
  return (await findEpoch(database.knex)) ?? (await beginEpoch(database))
}

async function findEpoch(on: Database['knex']): Promise<FeedEpoch | null> {
  const [row] = await rowsOf<{ mark: string; beganAt: string; hasEarlier: boolean; isOurs: boolean }>(
    on,
    `SELECT e.mark, CAST(e.began_at AS text) AS "beganAt", e.began_at > '-infinity' AS "hasEarlier",
            e.cluster = feed_cluster() AS "isOurs"
       FROM feed_epochs e
      ORDER BY e.id DESC
      LIMIT 1`,
  )
  return row?.isOurs ? row : null
}

/** The lock waits for all writers: everything written before the epoch is visible when it begins. */
async function beginEpoch(database: Database): Promise<FeedEpoch> {
  const tables = ENTITIES.map((entity) => MIRRORED_TABLES[entity].table).join(', ')
  return database.transaction(async ({ trx }) => {
    await trx.raw(`LOCK TABLE feed_epochs, ${tables} IN SHARE ROW EXCLUSIVE MODE`)
    const known = await findEpoch(trx)
    if (known) return known
    await trx.raw('INSERT INTO feed_epochs (cluster, began_at) VALUES (feed_cluster(), clock_timestamp())')
    return (await findEpoch(trx))!
  })
}
