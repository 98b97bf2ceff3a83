import type { Logger } from 'winston'
import { ENTITIES } from '../domain/entity.ts'
import type { EntityError } from '../domain/sync-run.ts'
import { errorOf } from './keep-troubles.ts'
import { changedRecords, driftFound, happened } from './report.ts'
import type { Run } from './run.ts'
import { countsOf } from './run-progress.ts'

/**
 * Logs what a run did, however it ended: at `warn` if a person should look at it.
 *
 * @param isPartial it finished, but part of it failed.
 */
export function logRun(log: Logger, run: Run, { isPartial }: { readonly isPartial: boolean }): void {
  if (run.drift.size > 0) {
    const { id: runId, realmId, trigger } = run
    log.warn('drift found', { runId, realmId, trigger, drift: driftFound(run) })
  }
  log.log(isPartial ? 'warn' : 'info', 'sync run ended', {
    runId: run.id,
    realmId: run.realmId,
    trigger: run.trigger,
    mode: run.mode,
    requests: run.requests,
    meteredCalls: run.meteredCalls,
    changed: changedRecords(run),
    durationMs: run.database.clock.now().getTime() - run.startedAt.getTime(),
    records: whatHappened(run),
    ...(isPartial && { status: 'partial', errors: whatFailed(run) }),
  })
}

/** An idle company's line stays short. */
function whatHappened(run: Run): Record<string, object> {
  const counts = ENTITIES.map((entity) => [entity, happened(countsOf(run, entity))] as const)
  return Object.fromEntries(counts.filter(([, happening]) => Object.keys(happening).length > 0))
}

/** Errors of entities that failed in the run, or that it has not tried again yet. */
function whatFailed(run: Run): Record<string, EntityError> {
  const errors = ENTITIES.map((entity) => [entity, errorOf(run, entity)] as const)
  return Object.fromEntries(errors.flatMap(([entity, error]) => (error ? [[entity, error]] : [])))
}
