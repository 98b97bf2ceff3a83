import type { Entity } from '../domain/entity.ts'
import { toLedgerError, type LedgerError } from '../domain/ledger-error.ts'
import { mayConcernOneEntity } from '../domain/reach.ts'
import type { Owed } from './entity-state.ts'
import type { Run } from './run.ts'
import { noteFailed } from './run-progress.ts'

// Two failures in a run that has read nothing yet are no coincidence: QuickBooks is down, and trying the other entities
// would only cost calls.
const FAILURES_OF_QUICKBOOKS = 2

/**
 * Does some work for entities, one after the other. An entity that fails keeps its watermark and its error; the others
 * go on.
 *
 * @param owed what an entity that fails here still owes.
 * @throws LedgerError what concerns the company or the app, or the first failure where QuickBooks seems to be down.
 */
export async function forEachEntity(
  run: Run,
  entities: readonly Entity[],
  owed: Owed,
  work: (entity: Entity) => Promise<void>,
): Promise<void> {
  for (const entity of inTurn(run, entities)) {
    if (run.troubles.has(entity)) continue
    try {
      await work(entity)
      run.isServed = true
    } catch (thrown) {
      noteTrouble(run, entity, thrown, owed)
    }
  }
}

/** Notes that the work for an entity failed. @throws what was thrown if it does not concern the entity alone. */
export function noteTrouble(run: Run, entity: Entity, thrown: unknown, owed: Owed): void {
  const error = entityError(run, thrown)
  if (!error) throw thrown
  noteFailed(run, entity, error, owed)
  // It doubts what was read, so it was read.
  if (error.code === 'mass_disappearance') run.isServed = true
  if (!run.isServed && run.troubles.size >= FAILURES_OF_QUICKBOOKS) throw thrown
}

/** @throws the first failure when nothing could be read at all: the run has failed. */
export function refuseEmptyHands(run: Run): void {
  const [first] = run.troubles.values()
  if (first && !run.isServed) throw first.error
}

/** @returns null for what concerns more than one entity, such as a stop of the process, and for a run that gives way. */
export function entityError(run: Run, thrown: unknown): LedgerError | null {
  const error = toLedgerError(thrown)
  return !run.signal.aborted && !run.gaveWay && mayConcernOneEntity(error) ? error : null
}

/** A run after a failed one begins with another entity, so that two broken ones do not block the others. */
function inTurn(run: Run, entities: readonly Entity[]): Entity[] {
  const first = run.failuresInARow % Math.max(entities.length, 1)
  return [...entities.slice(first), ...entities.slice(0, first)]
}
