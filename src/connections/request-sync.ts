import { rowsOfPrepared, type Tx } from '../db/database.ts'
import type { Mode, Trigger } from '../domain/sync-run.ts'

export interface SyncRequest {
  readonly mode: Mode
  readonly trigger: Trigger
}

/**
 * Requests one more sync by raising the company's request number: a run that is already under way does not serve it,
 * only a later one. A person's request ends waits that we chose ourselves, for the company and its entities, but never
 * one that QuickBooks asked for.
 *
 * @returns the number of the request, by company; companies that are neither active nor lapsed are left out.
 */
export async function requestSync(
  tx: Tx,
  realmIds: readonly string[],
  { mode, trigger }: SyncRequest,
): Promise<Map<string, number>> {
  const rows = await rowsOfPrepared<{ realmId: string; request: number }>(
    tx.trx,
    `UPDATE companies
        SET requested_seq = requested_seq + 1,
            full_requested_seq = CASE WHEN :full THEN requested_seq + 1 ELSE full_requested_seq END,
            person_requested_seq = CASE WHEN :byPerson THEN requested_seq + 1 ELSE person_requested_seq END,
            requested_trigger = :trigger,
            not_before = CASE WHEN :byPerson AND not_before_code IS DISTINCT FROM 'throttled' THEN NULL ELSE not_before END,
            not_before_code = CASE WHEN :byPerson AND not_before_code IS DISTINCT FROM 'throttled' THEN NULL ELSE not_before_code END
      WHERE realm_id = ANY (:realmIds) AND status IN ('active', 'unavailable')
      RETURNING realm_id AS "realmId", requested_seq AS request`,
    { realmIds: [...realmIds], full: mode === 'full', trigger, byPerson: trigger === 'manual' },
  )
  return new Map(rows.map((row) => [row.realmId, row.request]))
}
