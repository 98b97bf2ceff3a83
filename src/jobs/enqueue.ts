import { fromKnex, type PgBoss } from 'pg-boss'
import type { Tx } from '../db/database.ts'
import { SYNC_QUEUE, type SyncJob } from './queues.ts'

/**
 * Queues one job for each company in the transaction that asked for it, so that neither is there without the other.
 * A company whose job is queued or under way is left as it is.
 */
export async function enqueueSyncs(boss: PgBoss, tx: Tx, realmIds: readonly string[]): Promise<void> {
  if (realmIds.length === 0) return
  await boss.insert(
    SYNC_QUEUE,
    realmIds.map((realmId) => ({ data: { realmId } satisfies SyncJob, singletonKey: realmId })),
    { db: fromKnex(tx.trx) },
  )
}
