import { rowsOfPrepared, type Tx } from '../db/database.ts'
import type { Mode, Trigger } from '../domain/sync-run.ts'

export interface SyncRequest {
  readonly mode: Mode
  readonly trigger: Trigger
}

/**
 * Asks for one more sync: raises the company's request number, so that whatever runs now, a run that starts later
 * serves it. A person's request lifts a wait that we chose ourselves, of the company and of its entities, never one
 * that QuickBooks asked for.
 *
 * @returns the number of the request, by company: those that are not active or lapsed are left out.
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
