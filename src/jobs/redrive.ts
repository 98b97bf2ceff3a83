import type { Doer } from '../connections/record-event.ts'
import type { Mode } from '../domain/sync-run.ts'
import type { DeadLetter } from './dead-letters.ts'

export interface RedriveOptions {
  readonly read: () => Promise<DeadLetter[]>
  readonly remove: (ids: readonly string[]) => Promise<void>
  readonly requestSync: (
    realmIds: readonly string[],
    request: { readonly mode: Mode; readonly by: Doer },
  ) => Promise<ReadonlyMap<string, number>>
}

export interface Redriven {
  /** Companies of which a run was asked for. */
  readonly asked: readonly string[]
  /** Letters left where they are, because their company is not read at present. */
  readonly left: number
}

/**
 * Tries again what was given up: asks for a run of each company, which also ends the wait that followed the defect, and
 * takes the letters away after that. A job moved back as it is would wait behind that pause, and the queue would fail
 * it where the company has a job already.
 */
export async function redrive(
  { read, remove, requestSync }: RedriveOptions,
  chosen: readonly string[] | 'all',
  by: Doer,
): Promise<Redriven> {
  const letters = (await read()).filter(({ id }) => chosen === 'all' || chosen.includes(id))
  const realmIds = [...new Set(letters.map(({ realmId }) => realmId))]
  if (realmIds.length === 0) return { asked: [], left: 0 }
  const asked = await requestSync(realmIds, { mode: 'incremental', by })
  const served = letters.filter(({ realmId }) => asked.has(realmId))
  await remove(served.map(({ id }) => id))
  return { asked: [...asked.keys()].sort(), left: letters.length - served.length }
}
