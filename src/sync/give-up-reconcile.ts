import { rowsOf, type Tx } from '../db/database.ts'
import type { LedgerError } from '../domain/ledger-error.ts'
import type { Run } from './run.ts'

// Two that failed before may have met a QuickBooks that was away; a listing that fails again and again would cost the
// company its freshness.
const TRIES = 3

/**
 * Gives up a complete listing that the service asked for by itself, once it failed too often or cannot be believed:
 * the company goes on by change data capture, and another night tries again. One that somebody else asked for too is
 * kept.
 *
 * @returns whether it was given up.
 */
export async function giveUpReconcile(tx: Tx, run: Run, error: LedgerError): Promise<boolean> {
  if (run.mode !== 'full') return false
  if (error.code !== 'mass_disappearance' && run.failuresInARow + 1 < TRIES) return false
  const given = await rowsOf(
    tx.trx,
    `UPDATE companies
        SET full_requested_seq = served_seq,
            requested_trigger = CASE WHEN requested_trigger = 'reconcile' THEN 'recovery' ELSE requested_trigger END
      WHERE realm_id = :realmId AND reconcile_seq > served_seq AND full_requested_seq = reconcile_seq
     RETURNING realm_id`,
    { realmId: run.realmId },
  )
  if (given.length === 0) return false
  await tx.trx.raw(
    'UPDATE sync_states SET listing = NULL WHERE realm_id = :realmId AND watermark IS NOT NULL',
    {
      realmId: run.realmId,
    },
  )
  return true
}
