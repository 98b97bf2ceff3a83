import { fromKnex, type PgBoss } from 'pg-boss'
import { rowsOf, type Database, type Tx } from '../db/database.ts'
import { BULK_PATIENCE_MINUTES, PRIORITIES, prioritiesOf } from './priority.ts'
import { SYNC_QUEUE, type SyncJob } from './queues.ts'

/**
 * Queues one job for each company in the transaction that requested it, so that neither exists without the other. A
 * company with a job queued or under way is left as it is, except that a waiting job is raised when there is a reason
 * for a higher priority.
 *
 * @param died companies whose run ended with its process: their jobs still under way are given up, because they would
 *   keep the next one out until the queue misses the heartbeat, and longer each time that happens.
 */
export async function enqueueSyncs(
  boss: PgBoss,
  tx: Tx,
  realmIds: readonly string[],
  died: readonly string[] = [],
): Promise<void> {
  for (const realmId of died) await giveUp(boss, tx, realmId)
  if (realmIds.length === 0) return
  const priorities = await prioritiesOf(tx, realmIds)
  const priorityOf = (realmId: string) => priorities.get(realmId) ?? PRIORITIES.small
  await raiseWaiting(boss, tx, realmIds, priorityOf)
  await boss.insert(
    SYNC_QUEUE,
    // In one order: otherwise two transactions that queue many could deadlock.
    realmIds.toSorted().map((realmId) => ({
      data: { realmId } satisfies SyncJob,
      singletonKey: realmId,
      priority: priorityOf(realmId),
    })),
    { db: fromKnex(tx.trx) },
  )
}

/**
 * Ends the job of a company whose run gave way and queues it again, behind all others of its kind. Called while the job
 * is still under way: letting it end by itself would leave a moment in which the company has none.
 */
export async function queueBehind(
  boss: PgBoss,
  database: Database,
  { id, realmId }: { readonly id: string; readonly realmId: string },
): Promise<void> {
  await database.transaction(async (tx) => {
    await boss.complete(SYNC_QUEUE, id, undefined, { db: fromKnex(tx.trx) })
    await enqueueSyncs(boss, tx, [realmId])
  })
}

/** A company can have only one waiting job, so one that waits already is raised. */
async function raiseWaiting(
  boss: PgBoss,
  tx: Tx,
  realmIds: readonly string[],
  priorityOf: (realmId: string) => number,
): Promise<void> {
  const waiting = await rowsOf<{ realmId: string; priority: number; isOverdue: boolean }>(
    tx.trx,
    // Worded like the index by which pg-boss keeps such jobs unique.
    `SELECT singleton_key AS "realmId", priority,
            created_on < now() - make_interval(mins => :patience) AS "isOverdue"
       FROM pgboss.job
      WHERE name = :queue AND coalesce(singleton_key, '') = ANY (:realmIds) AND policy = 'exclusive'
        AND state < 'active' AND priority < :highest`,
    {
      queue: SYNC_QUEUE,
      realmIds: [...realmIds],
      patience: BULK_PATIENCE_MINUTES,
      highest: PRIORITIES.asked,
    },
  )
  for (const { realmId, priority, isOverdue } of waiting) {
    const wanted = Math.max(priorityOf(realmId), isOverdue ? PRIORITIES.small : 0)
    if (wanted <= priority) continue
    await boss.update(SYNC_QUEUE, undefined, {
      singletonKey: realmId,
      priority: wanted,
      db: fromKnex(tx.trx),
    })
  }
}

/** If the process was only paused, its run has lost the company, and it does not matter how its job ends. */
async function giveUp(boss: PgBoss, tx: Tx, realmId: string): Promise<void> {
  const db = fromKnex(tx.trx)
  const jobs = await boss.findJobs<SyncJob>(SYNC_QUEUE, { key: realmId, db })
  const underWay = jobs.filter(({ state }) => state === 'active').map(({ id }) => id)
  if (underWay.length > 0) await boss.cancel(SYNC_QUEUE, underWay, { db })
}
