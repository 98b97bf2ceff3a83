import { rowsOf, type Tx } from '../db/database.ts'

/**
 * Who goes first in the queue of companies. Somebody is waiting for what a person asked for; what QuickBooks told of has
 * changed; a small run is over in a second; a complete listing may take hours and gives way to all of them.
 */
export const PRIORITIES = { asked: 20, told: 15, small: 10, bulk: 0 } as const

/** Bulk that has waited this long is treated like a small run, so it always proceeds, if slowly. */
export const BULK_PATIENCE_MINUTES = 10

/**
 * What kind of run each company needs next, as far as its row tells. Runs that list are bulk: a first run, a requested
 * full run, one that continues a listing, one whose watermarks are older than change data capture reaches.
 */
export async function prioritiesOf(tx: Tx, realmIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await rowsOf<{ realmId: string; kind: keyof typeof PRIORITIES }>(
    tx.trx,
    `SELECT c.realm_id AS "realmId",
            CASE WHEN c.requested_mode = 'full' OR s.lists IS NOT FALSE THEN 'bulk'
                 WHEN c.requested_trigger = 'manual' THEN 'asked'
                 WHEN c.requested_trigger = 'webhook' THEN 'told'
                 ELSE 'small' END AS kind
       FROM companies c
       LEFT JOIN LATERAL (
         SELECT bool_or(watermark IS NULL OR listing IS NOT NULL
                        OR watermark < CAST(:now AS timestamptz) - interval '29 days') AS lists
           FROM sync_states
          WHERE realm_id = c.realm_id
       ) s ON true
      WHERE c.realm_id = ANY (:realmIds)`,
    { realmIds: [...realmIds], now: tx.now },
  )
  return new Map(rows.map(({ realmId, kind }) => [realmId, PRIORITIES[kind]]))
}
