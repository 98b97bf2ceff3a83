import type { Logger } from 'winston'
import { ENTITIES } from '../domain/entity.ts'
import type { LedgerError } from '../domain/ledger-error.ts'
import type { EntityError } from '../domain/sync-run.ts'
import { errorOf } from './keep-troubles.ts'
import { changedRecords, driftFound, happened } from './report.ts'
import type { Run } from './run.ts'
import { countsOf } from './run-progress.ts'

/** How a run ended. A run that gave way to others goes on in the next one. */
export interface Ending {
  readonly status: 'succeeded' | 'partial' | 'failed' | 'abandoned' | 'gave way'
  readonly error?: LedgerError
  /** What its work threw where that is not why it ended. */
  readonly thrown?: unknown
}

const MESSAGES: Readonly<Record<Ending['status'], string>> = {
  succeeded: 'sync run succeeded',
  partial: 'sync run took only a part',
  failed: 'sync run failed',
  abandoned: 'sync run abandoned because the process stops',
  'gave way': 'sync run gave way to others',
}

/**
 * The one line of a run: how it ended, for whom, and what it did. At `warn` if a person should look at it, at `error`
 * for a defect.
 */
export function logRun(log: Logger, run: Run, ending: Ending): void {
  if (run.drift.size > 0) {
    log.warn('drift found', { ...namesOf(run), trigger: run.trigger, drift: driftFound(run) })
  }
  log.log(levelOf(ending), MESSAGES[ending.status], {
    ...namesOf(run),
    trigger: run.trigger,
    mode: run.mode,
    changed: changedRecords(run),
    requests: run.requests,
    meteredCalls: run.meteredCalls,
    durationMs: run.database.clock.now().getTime() - run.startedAt.getTime(),
    ...whyNot(run, ending),
    records: whatHappened(run),
  })
}

function namesOf({ companyName, realmId, id }: Run): object {
  return { company: companyName, realmId, runId: id }
}

function levelOf({ status, error }: Ending): 'info' | 'warn' | 'error' {
  if (error?.code === 'internal') return 'error'
  return status === 'partial' || status === 'failed' ? 'warn' : 'info'
}

/** Of a defect all that is known; any other failure is a word and a sentence. */
function whyNot(run: Run, { status, error, thrown }: Ending): object {
  return {
    ...(status === 'partial' && { errors: whatFailed(run) }),
    ...(error && { code: error.code, reason: error.message }),
    ...(error?.details.intuitTid && { intuitTid: error.details.intuitTid }),
    ...(error?.code === 'internal' && { error }),
    ...(thrown !== undefined && { thrown }),
  }
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
