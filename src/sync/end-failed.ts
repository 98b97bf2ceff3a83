import type { Logger } from 'winston'
import { whyPostgresAway } from '../db/postgres-away.ts'
import { isPostgresError, postgresWords } from '../db/postgres-error.ts'
import type { Fate } from '../domain/fate.ts'
import { LedgerError, toLedgerError } from '../domain/ledger-error.ts'
import { abandonRun, endForOthers } from './abandon-runs.ts'
import { failRun, type FailOptions } from './fail-run.ts'
import { logRun } from './log-run.ts'
import { recordLastCalls } from './record-calls.ts'
import type { Run } from './run.ts'

export type FailedOutcome =
  | { readonly kind: 'failed'; readonly runId: number; readonly error: LedgerError; readonly fate: Fate }
  | { readonly kind: 'abandoned'; readonly runId: number }
  | { readonly kind: 'gave_way'; readonly runId: number }

export interface Signals {
  readonly stop: AbortSignal
  /** Aborts for a stop and for a lost lease. */
  readonly signal: AbortSignal
}

/** Ends a run whose work threw `thrown`. Never throws: what goes wrong on the way is logged. */
export async function endFailed(
  options: FailOptions,
  run: Run,
  thrown: unknown,
  { stop, signal }: Signals,
): Promise<FailedOutcome> {
  const { id: runId, realmId } = run
  if (stop.aborted) return giveUp(options.log, run, thrown)
  if (run.gaveWay && !signal.aborted) return giveWay(options.log, run)
  const error = failureOf(signal.aborted ? signal.reason : thrown)
  // What was thrown after the lease was lost usually follows from that. If not, the log is its only trace.
  const also = signal.aborted && thrown !== signal.reason ? { thrown } : {}
  logRun(options.log, run, { status: 'failed', error, ...also })
  try {
    return { kind: 'failed', runId, error, fate: await failRun(run, error, options) }
  } catch (cause) {
    const closing = toLedgerError(cause)
    // The lease lapses; then the tick closes the run and asks for the company again.
    if (closing.code !== 'lease_lost') {
      options.log.error('failed run could not be closed', {
        runId,
        realmId,
        code: error.code,
        error: closing,
      })
    }
    return { kind: 'failed', runId, error: closing, fate: { kind: 'gone' } }
  }
}

/** Closes a run because the process stops. Whatever its work threw is most likely the stop itself. */
async function giveUp(log: Logger, run: Run, thrown: unknown): Promise<FailedOutcome> {
  const { id: runId, realmId } = run
  logRun(log, run, { status: 'abandoned', thrown })
  try {
    await abandonRun(run)
    await recordLastCalls(run)
  } catch (cause) {
    // Its lease lapses, and the next tick does what could not be done here.
    log.error('abandoned run could not be closed', { runId, realmId, error: cause })
  }
  return { kind: 'abandoned', runId }
}

/** Closes a run that gives way to others; its request stands. */
async function giveWay(log: Logger, run: Run): Promise<FailedOutcome> {
  logRun(log, run, { status: 'gave way' })
  try {
    await endForOthers(run)
    await recordLastCalls(run)
  } catch (cause) {
    // As above: the tick closes it and asks for the company again.
    log.error('run that gave way could not be closed', { runId: run.id, realmId: run.realmId, error: cause })
  }
  return { kind: 'gave_way', runId: run.id }
}

/**
 * The error that a run keeps. Of an error of Postgres that is its message without the statement. A Postgres that is
 * away comes back, so that is no defect.
 */
function failureOf(thrown: unknown): LedgerError {
  const away = whyPostgresAway(thrown)
  if (away !== null) return new LedgerError('unavailable', away, { cause: thrown })
  if (!isPostgresError(thrown)) return toLedgerError(thrown)
  return new LedgerError(
    'internal',
    `Postgres refused a statement: ${postgresWords(thrown)} (${thrown.code})`,
    {
      cause: thrown,
    },
  )
}
