import type { Tx } from '../db/database.ts'
import type { Mode } from '../domain/sync-run.ts'
import { recordEvent, type Doer } from './record-event.ts'
import { requestSync } from './request-sync.ts'

/** Requests syncs on behalf of a person; a full run is recorded as an event. @returns as requestSync does. */
export async function requestByPerson(
  tx: Tx,
  realmIds: readonly string[],
  { mode, by }: { readonly mode: Mode; readonly by: Doer },
): Promise<Map<string, number>> {
  const asked = await requestSync(tx, realmIds, { mode, trigger: 'manual' })
  if (mode === 'full') {
    for (const realmId of asked.keys()) await recordEvent(tx, { realmId, kind: 'full_sync_requested' }, by)
  }
  return asked
}
