import { rowsOf, type Tx } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { recordEvent, type Doer } from './record-event.ts'
import { requestSync } from './request-sync.ts'

export interface Confirmed {
  /** The number of the request for the full run that deletes the records. */
  readonly request: number
  readonly missing: number
  readonly held: number
}

/**
 * A person confirms that the records of an entity which seem to have vanished at once are really gone. This requests a
 * full run that may, once, delete that many and a few more.
 *
 * @throws LedgerError `not_found` when nothing of that entity is in doubt, `company_inactive` when the company is not
 *   synced.
 */
export async function confirmDisappearance(
  tx: Tx,
  realmId: string,
  entity: Entity,
  by: Doer,
): Promise<Confirmed> {
  const asked = await requestSync(tx, [realmId], { mode: 'full', trigger: 'manual' })
  const request = asked.get(realmId)
  if (request === undefined) {
    throw new LedgerError('company_inactive', `company ${realmId} is not synced: resume it first`)
  }
  const [doubt] = await rowsOf<{ missing: number; held: number }>(
    tx.trx,
    `UPDATE disappearances
        SET confirmed_at = :now
      WHERE realm_id = :realmId AND entity = :entity
      RETURNING missing, held`,
    { realmId, entity, now: tx.now },
  )
  if (!doubt) {
    throw new LedgerError('not_found', `nothing of the ${entity} records of company ${realmId} is in doubt`)
  }
  await recordEvent(tx, { realmId, kind: 'disappearance_confirmed', detail: { entity, ...doubt } }, by)
  return { request, ...doubt }
}
