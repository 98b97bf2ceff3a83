import { requestSync } from '../connections/request-sync.ts'
import { rowsOf, type Tx } from '../db/database.ts'
import { dueReconciles, type ReconcileState } from './reconcile-time.ts'

// Half of what one worker process does at once by default: each night of the week then handles a seventh of 6,000
// companies.
const MOST_AT_ONCE = 4

/**
 * Requests a complete listing of companies whose time has come, keeping the number under way in the whole service
 * small. A company that waits for another run or is in the middle of a listing gets its turn later.
 *
 * Call it from one transaction at a time; the tick's are serialized by the row of `service_state`.
 *
 * @param everyDays how many nights a round has.
 * @returns the companies requested.
 */
export async function askReconciles(tx: Tx, everyDays: number): Promise<string[]> {
  const room = MOST_AT_ONCE - (await countUnderWay(tx))
  if (room <= 0) return []
  const due = dueReconciles(await readCandidates(tx), everyDays, tx.now).slice(0, room)
  if (due.length === 0) return []
  const realmIds = due.map(({ realmId }) => realmId)
  await requestSync(tx, realmIds, { mode: 'full', trigger: 'reconcile' })
  await tx.trx.raw(
    `UPDATE companies
        SET reconcile_asked_at = :now, reconcile_seq = requested_seq
      WHERE realm_id = ANY (:realmIds)`,
    { now: tx.now, realmIds },
  )
  return realmIds
}

/** A company that must wait, perhaps for hours, does not count: it would hold up the others. */
async function countUnderWay(tx: Tx): Promise<number> {
  const [row] = await rowsOf<{ underWay: number }>(
    tx.trx,
    `SELECT count(*) AS "underWay"
       FROM companies
      WHERE requested_seq > served_seq AND reconcile_seq > served_seq AND full_requested_seq = reconcile_seq
        AND status IN ('active', 'unavailable')
        AND (not_before IS NULL OR not_before <= :now)`,
    { now: tx.now },
  )
  return row?.underWay ?? 0
}

/** Without half a day between requests, a failing listing would be started again and again in the same night. */
async function readCandidates(tx: Tx): Promise<ReconcileState[]> {
  return rowsOf<ReconcileState>(
    tx.trx,
    `SELECT c.realm_id AS "realmId", c.time_zone AS "timeZone", c.sync_phase AS phase,
            coalesce(c.last_reconciled_at, c.created_at) AS "lastListedAt"
       FROM companies c
      WHERE c.status = 'active' AND c.last_success_at IS NOT NULL
        AND c.requested_seq = c.served_seq
        AND (c.not_before IS NULL OR c.not_before <= :now)
        AND (c.reconcile_asked_at IS NULL OR c.reconcile_asked_at <= CAST(:now AS timestamptz) - interval '12 hours')
        AND coalesce(c.last_reconciled_at, c.created_at) <= CAST(:now AS timestamptz) - interval '12 hours'
        AND NOT EXISTS (SELECT FROM sync_states s WHERE s.realm_id = c.realm_id AND s.listing IS NOT NULL)`,
    { now: tx.now },
  )
}
