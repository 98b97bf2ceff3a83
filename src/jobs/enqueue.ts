import { fromKnex, type PgBoss } from 'pg-boss'
import type { Tx } from '../db/database.ts'
import { SYNC_QUEUE, type SyncJob } from './queues.ts'

/**
 * Queues one job for each company in the transaction that asked for it, so that neither is there without the other.
 * A company whose job is queued or under way is left as it is.
 *
 * @param died companies whose run ended with its process: a job of theirs that is under way is given up, for it would
 *   keep the next one out until the queue misses its heartbeat, and longer with each time that happens.
 */
export async function enqueueSyncs(
  boss: PgBoss,
  tx: Tx,
  realmIds: readonly string[],
  died: readonly string[] = [],
): Promise<void> {
  for (const realmId of died) await giveUp(boss, tx, realmId)
  if (realmIds.length === 0) return
  await boss.insert(
    SYNC_QUEUE,
    // In one order: two who queue many at once would else wait for each other's.
    realmIds.toSorted().map((realmId) => ({ data: { realmId } satisfies SyncJob, singletonKey: realmId })),
    { db: fromKnex(tx.trx) },
  )
}

/** Where the process was only paused, its run has lost the company, and its job may end as it likes. */
async function giveUp(boss: PgBoss, tx: Tx, realmId: string): Promise<void> {
  const db = fromKnex(tx.trx)
  const jobs = await boss.findJobs<SyncJob>(SYNC_QUEUE, { key: realmId, db })
  const underWay = jobs.filter(({ state }) => state === 'active').map(({ id }) => id)
  if (underWay.length > 0) await boss.cancel(SYNC_QUEUE, underWay, { db })
}
