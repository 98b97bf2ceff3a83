import { rowsOf, type Tx } from '../db/database.ts'
import { requestSync } from './request-sync.ts'

export interface AskedByWebhook {
  /** Companies of which a run was asked for. */
  readonly asked: readonly string[]
  /** Companies that no mirror is kept of. */
  readonly unknown: readonly string[]
}

/**
 * Requests one run of each company of which QuickBooks says that something changed, however many events say so. It lifts
 * no wait: a company that QuickBooks throttles is asked when it may be.
 */
export async function requestByWebhook(tx: Tx, realmIds: readonly string[]): Promise<AskedByWebhook> {
  const known = await rowsOf<{ realmId: string }>(
    tx.trx,
    `UPDATE companies
        SET last_webhook_at = :now
      WHERE realm_id IN (SELECT c.realm_id
                           FROM companies c
                          WHERE c.realm_id = ANY (:realmIds)
                          ORDER BY c.realm_id
                            FOR UPDATE)
      RETURNING realm_id AS "realmId"`,
    { realmIds: [...realmIds], now: tx.now },
  )
  const ids = new Set(known.map(({ realmId }) => realmId))
  const asked = await requestSync(tx, [...ids], { mode: 'incremental', trigger: 'webhook' })
  return { asked: [...asked.keys()], unknown: realmIds.filter((realmId) => !ids.has(realmId)) }
}
