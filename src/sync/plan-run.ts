import { ENTITIES, type Entity } from '../domain/entity.ts'
import { capturedFrom, stateOf } from './entity-state.ts'
import { resumableListing } from './resumable-listing.ts'
import type { Run } from './run.ts'

export interface Plan {
  /** With one call of change data capture for all of them. */
  readonly captured: readonly Entity[]
  /** Those that broke such a call, each with a call of its own. */
  readonly alone: readonly Entity[]
  /** By a complete listing. */
  readonly listed: readonly Entity[]
}

// Change data capture reaches back 30 days; one day less leaves room for clocks and for slow runs.
const CAPTURE_WINDOW_MS = 29 * 86_400_000

/** What an incremental run asks for, and how. A failed entity is tried again when its wait is over or a person asks. */
export function planIncremental(run: Run): Plan {
  const plan = planOf(run, (entity) => isDue(run, entity))
  const isEmpty = plan.captured.length + plan.alone.length + plan.listed.length === 0
  // When every entity waits, the company's own interval is the wait.
  return isEmpty ? planOf(run, () => true) : plan
}

/** Whether change data capture reaches back to where an entity was last complete. */
export function isCapturable(run: Run, entity: Entity): boolean {
  const from = capturedFrom(run, entity)
  return from !== null && run.startedAt.getTime() - from.getTime() <= CAPTURE_WINDOW_MS
}

function planOf(run: Run, isDue: (entity: Entity) => boolean): Plan {
  const owes = (entity: Entity) => stateOf(run, entity).trouble?.owes ?? null
  const needsListing = (entity: Entity) =>
    !isCapturable(run, entity) || owes(entity) === 'listing' || resumableListing(run, entity) !== null
  return {
    captured: ENTITIES.filter((entity) => isCapturable(run, entity) && owes(entity) !== 'capture'),
    alone: ENTITIES.filter(
      (entity) => isCapturable(run, entity) && owes(entity) === 'capture' && isDue(entity),
    ),
    listed: ENTITIES.filter((entity) => needsListing(entity) && isDue(entity)),
  }
}

function isDue(run: Run, entity: Entity): boolean {
  const notBefore = stateOf(run, entity).trouble?.notBefore ?? null
  return run.byPerson || notBefore === null || notBefore <= run.startedAt
}
