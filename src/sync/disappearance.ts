import { rowsOf, type Tx } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { fenced } from './fenced.ts'
import type { Run } from './run.ts'

export interface Vanished {
  readonly missing: number
  readonly held: number
}

// A handful of records may well go at once; half of a company's do not. The same number may be gone beyond what a
// person confirmed, because business goes on meanwhile.
export const FEW_RECORDS = 20

/**
 * Lets the deletes through that a person confirmed. Any others are kept as a doubt, for a person to look at.
 *
 * @throws LedgerError `mass_disappearance`
 */
export async function refuseUnconfirmed(run: Run, entity: Entity, vanished: Vanished): Promise<void> {
  const [confirmed] = await rowsOf<{ missing: number; at: Date }>(
    run.database.knex,
    `SELECT missing, confirmed_at AS at
       FROM disappearances
      WHERE realm_id = :realmId AND entity = :entity AND confirmed_at IS NOT NULL`,
    { realmId: run.realmId, entity },
  )
  if (confirmed && vanished.missing <= confirmed.missing + FEW_RECORDS) return
  await fenced(run, (tx) => keepDoubt(tx, run, entity, vanished, confirmed?.at ?? null))
  throw new LedgerError(
    'mass_disappearance',
    `${vanished.missing} of ${vanished.held} ${entity} records vanished from QuickBooks at once; nothing was deleted`,
  )
}

/** The records were deleted, or a listing found nothing to doubt. Either uses up a confirmation. */
export async function endDoubt(tx: Tx, run: Run, entity: Entity): Promise<void> {
  await tx.trx.raw('DELETE FROM disappearances WHERE realm_id = :realmId AND entity = :entity', {
    realmId: run.realmId,
    entity,
  })
}

/** A confirmation of fewer records is used up; one that arrived while this run was looking stands. */
async function keepDoubt(
  tx: Tx,
  run: Run,
  entity: Entity,
  { missing, held }: Vanished,
  usedConfirmation: Date | null,
): Promise<void> {
  await tx.trx.raw(
    `INSERT INTO disappearances AS d (realm_id, entity, missing, held, since, sync_run_id)
     VALUES (:realmId, :entity, :missing, :held, :now, :runId)
     ON CONFLICT (realm_id, entity) DO UPDATE
        SET missing = excluded.missing,
            held = excluded.held,
            sync_run_id = excluded.sync_run_id,
            confirmed_at = nullif(d.confirmed_at, CAST(:usedConfirmation AS timestamptz))`,
    { realmId: run.realmId, entity, missing, held, now: tx.now, runId: run.id, usedConfirmation },
  )
}
