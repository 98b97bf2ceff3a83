import type { Entity } from '../domain/entity.ts'
import type { LedgerError } from '../domain/ledger-error.ts'
import { noCounts, type EntityCounts } from '../domain/sync-run.ts'
import { stateOf, type Owed } from './entity-state.ts'
import type { Run, RunProgress } from './run.ts'

/** A run's progress before its first call; the rest of it begins with what was read when the run was opened. */
export function noProgress() {
  return {
    connection: undefined,
    firstAnswerAt: null,
    watermarks: new Map(),
    captured: new Map(),
    capturedFirst: new Set(),
    troubles: new Map(),
    counts: new Map(),
    drift: new Map(),
    advanced: new Set(),
    gaveWay: false,
    isServed: false,
    isVanishing: false,
    unrecordedCalls: [],
    requests: 0,
    meteredCalls: 0,
  } satisfies Omit<RunProgress, 'mode' | 'homeCurrency' | 'openRejects'>
}

/** Notes QuickBooks' time of an answer, if it is the run's first. */
export function noteAnswer(run: Run, observedAt: Date): void {
  run.firstAnswerAt ??= observedAt
}

/** Notes up to when changes are written. The watermark follows, unless it waits for a listing. */
export function noteCaptured(run: Run, entity: Entity, until: Date): void {
  run.captured.set(entity, until)
  if (stateOf(run, entity).trouble?.owes !== 'listing') run.watermarks.set(entity, until)
}

/** Notes that change data capture reported everything up to a moment. The watermark waits for the listing to come. */
export function noteCapturedFirst(run: Run, entity: Entity, until: Date): void {
  run.captured.set(entity, until)
  run.capturedFirst.add(entity)
}

/** Notes that a listing reached its end: what changed before it began is written, whether or not it can be settled. */
export function noteListed(run: Run, entity: Entity, startedAt: Date): void {
  if (!run.captured.has(entity)) run.captured.set(entity, startedAt)
}

/** Notes that an entity is complete as of a moment, as a settled listing shows. */
export function noteComplete(run: Run, entity: Entity, asOf: Date): void {
  run.watermarks.set(entity, asOf)
}

/** Notes that an entity failed. One whose changes are written owes a listing, whatever failed. */
export function noteFailed(run: Run, entity: Entity, error: LedgerError, owed: Owed): void {
  run.watermarks.delete(entity)
  run.troubles.set(entity, { error, owes: run.captured.has(entity) ? 'listing' : owed })
}

export function countsOf(run: Run, entity: Entity): Readonly<EntityCounts> {
  return run.counts.get(entity) ?? noCounts()
}

export function addCounts(run: Run, entity: Entity, by: Partial<EntityCounts>): void {
  const counts = { ...countsOf(run, entity) }
  for (const [name, more] of Object.entries(by) as [keyof EntityCounts, number][]) counts[name] += more
  run.counts.set(entity, counts)
}

/** Counts records that were rejected or stay rejected. */
export function noteRejected(run: Run, entity: Entity, records: number): void {
  if (records === 0) return
  addCounts(run, entity, { rejected: records })
  run.openRejects.add(entity)
}
