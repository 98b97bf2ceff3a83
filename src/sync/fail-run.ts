import type { Logger } from 'winston'
import { BY_SERVICE, recordEvent } from '../connections/record-event.ts'
import { isReplaced } from '../connections/replaced.ts'
import { logStop } from '../connections/log-stop.ts'
import { noteThrottled, pauseCalls, type Throttling } from '../connections/service-state.ts'
import { rowsOf, type Tx } from '../db/database.ts'
import type { CompanyStatus } from '../domain/company.ts'
import { blamesCompany, fateOf, type Fate } from '../domain/fate.ts'
import { LedgerError, toLedgerError } from '../domain/ledger-error.ts'
import type { StopChange } from '../domain/service-stop.ts'
import { fenced } from './fenced.ts'
import {
  COMPANIES_THAT_MEAN_THE_APP,
  HALT_SECONDS,
  judgeRefusal,
  SECOND_LOOK_SECONDS,
} from './judge-refusal.ts'
import { noteRecorded, recordCalls, recordLastCalls } from './record-calls.ts'
import { changedRecords, failureTotals, recordTotals, reportOf, runTotals } from './report.ts'
import { raiseTotals } from './raise-totals.ts'
import { RECENT_CALLS } from './run-pace.ts'
import type { Run } from './run.ts'

export interface FailOptions {
  readonly intervalSeconds: number
  /** In [0, 1). */
  readonly random: () => number
  readonly log: Logger
}

/**
 * Ends a run that failed and decides what follows for the company, in one transaction. Its request stands. If that
 * transaction fails, the run is still closed with its error, and nothing else is decided: left running it would be
 * abandoned and asked for again, in a loop that never says why.
 *
 * @throws LedgerError `lease_lost`; or what kept the run from being closed.
 */
export async function failRun(run: Run, error: LedgerError, options: FailOptions): Promise<Fate> {
  const fate = fateOf(error, {
    failuresBefore: run.failuresInARow,
    intervalSeconds: options.intervalSeconds,
    jitter: options.random(),
  })
  if (fate.kind === 'gone') {
    await recordLastCalls(run)
    return fate
  }
  try {
    return await judgeAndClose(run, error, fate, options.log)
  } catch (cause) {
    if (toLedgerError(cause).code === 'lease_lost') throw cause
    options.log.error('failed run is closed, but what follows from it could not be decided', {
      runId: run.id,
      realmId: run.realmId,
      code: error.code,
      error: cause,
    })
    return closeUnjudged(run, error, fate, options.log)
  }
}

async function judgeAndClose(run: Run, error: LedgerError, fate: Fate, log: Logger): Promise<Fate> {
  let following = fate
  let stop: StopChange | null = null
  await fenced(run, async (tx) => {
    if (blamesCompany(error) && (await isReplaced(tx, run.realmId, run))) {
      following = { kind: 'again' }
    } else {
      const since = await noteFailure(tx, run, error)
      if (error.details.ambiguous) {
        following = await judgeRefusal(tx, { realmId: run.realmId, code: error.code, since, fate })
      }
    }
    await closeFailed(tx, run, error)
    stop = await carryOut(tx, run, following, error)
    return totalsOf(run, error, tx.now)
  })
  logStop(log, stop)
  return following
}

/** Closes the run first and by itself. Putting its company off and raising its totals may fail, which is logged. */
async function closeUnjudged(run: Run, error: LedgerError, fate: Fate, log: Logger): Promise<Fate> {
  const delaySeconds = SECOND_LOOK_SECONDS
  const closed = await run.database.transaction((tx) => closeFailed(tx, run, error))
  if (!closed) throw new LedgerError('lease_lost', `run ${run.id} no longer holds its company`)
  const calls = [...run.unrecordedCalls]
  try {
    await run.database.transaction(async (tx) => {
      await noteFailure(tx, run, error)
      await waitUntil(tx, run, secondsAfter(tx.now, delaySeconds), error)
      await recordCalls(tx, run.realmId, calls)
      await raiseTotals(tx, totalsOf(run, error, tx.now))
    })
    noteRecorded(run, calls)
  } catch (cause) {
    log.error('failure is recorded with its run alone', { runId: run.id, realmId: run.realmId, error: cause })
  }
  return fate.kind === 'retry' ? fate : { kind: 'later', delaySeconds }
}

function totalsOf(run: Run, error: LedgerError, now: Date) {
  return [...runTotals(run, 'failed', now), ...recordTotals(run), ...failureTotals(run.realmId, error.code)]
}

/** @returns when the latest unbroken row of failures with this code began. */
async function noteFailure(tx: Tx, run: Run, error: LedgerError): Promise<Date> {
  const [company] = await rowsOf<{ since: Date }>(
    tx.trx,
    `UPDATE companies
        SET failures_in_a_row = failures_in_a_row + 1,
            failing_since = coalesce(failing_since, :now),
            failing_code_since = CASE WHEN failing_code = :code THEN coalesce(failing_code_since, :now) ELSE :now END,
            failing_code = :code,
            recent_calls = ${RECENT_CALLS}
      WHERE realm_id = :realmId
      RETURNING failing_code_since AS since`,
    { realmId: run.realmId, now: tx.now, code: error.code, callAgesMs: run.pace.agesMs() },
  )
  return company?.since ?? tx.now
}

/** @returns false when the run was no longer running. */
async function closeFailed(tx: Tx, run: Run, error: LedgerError): Promise<boolean> {
  const closed = await rowsOf(
    tx.trx,
    `UPDATE sync_runs
        SET status = 'failed', mode = :mode, finished_at = :now, requests = :requests,
            metered_calls = :meteredCalls, changed = :changed, entities = CAST(:entities AS jsonb),
            error_code = :code, error_message = :message, intuit_tid = :intuitTid
      WHERE id = :runId AND status = 'running'
      RETURNING id`,
    {
      runId: run.id,
      mode: run.mode,
      now: tx.now,
      requests: run.requests,
      meteredCalls: run.meteredCalls,
      changed: changedRecords(run) > 0,
      entities: JSON.stringify(reportOf(run, 'kept')),
      code: error.code,
      message: error.message.replaceAll('\u0000', ''),
      intuitTid: error.details.intuitTid ?? null,
    },
  )
  return closed.length > 0
}

/** @returns the stop of all calls if one begins with it. */
async function carryOut(tx: Tx, run: Run, fate: Fate, error: LedgerError): Promise<StopChange | null> {
  const { realmId } = run
  switch (fate.kind) {
    case 'later':
      await waitUntil(tx, run, secondsAfter(tx.now, fate.delaySeconds), error)
      return error.code === 'throttled' ? noticeThrottledApp(tx, realmId, fate.delaySeconds, error) : null
    case 'lapsed':
      await waitUntil(tx, run, secondsAfter(tx.now, fate.delaySeconds), error)
      await setStatus(tx, run, 'unavailable', error)
      return null
    case 'reauth':
      await setStatus(tx, run, 'needs_reauth', error)
      return null
    case 'halt':
      return pauseCalls(tx, {
        until: secondsAfter(tx.now, fate.delaySeconds),
        code: 'app_misconfigured',
        reason: error.message,
      })
    case 'again':
    case 'retry':
    case 'gone':
      return null
  }
}

/** One answer to one company may ask for a day; the service looks again as soon as after any other stop. */
async function noticeThrottledApp(
  tx: Tx,
  realmId: string,
  delaySeconds: number,
  error: LedgerError,
): Promise<StopChange | null> {
  const ofTokens = error.details.atTokenEndpoint === true
  const throttling = await noteThrottled(tx, { realmId, ofTokens })
  if (throttling.companies < COMPANIES_THAT_MEAN_THE_APP) return null
  const code = meansQuota(throttling, tx.now) ? 'quota_exhausted' : 'throttled'
  const seconds = code === 'throttled' ? Math.min(delaySeconds, HALT_SECONDS) : HALT_SECONDS
  return pauseCalls(tx, { until: secondsAfter(tx.now, seconds), code, reason: error.message })
}

// Throttling counts calls of a minute. What still stands after this many was not that.
const QUOTA_AFTER_SECONDS = 900

/**
 * Intuit answers 429 both when the app is too fast and when its calls of the month are used up; the body of the latter
 * is not documented. Then the renewal of tokens is answered so too, which is not metered, and it does not pass.
 */
function meansQuota({ since, ofTokens }: Throttling, now: Date): boolean {
  return ofTokens || now.getTime() - since.getTime() >= QUOTA_AFTER_SECONDS * 1000
}

/**
 * A person who asked while this run was under way asked for a run after it. That lifts a wait that we chose, just as
 * if they had asked a moment later.
 */
async function waitUntil(tx: Tx, run: Run, notBefore: Date, error: LedgerError): Promise<void> {
  await tx.trx.raw(
    `UPDATE companies
        SET not_before = :notBefore, not_before_code = :code
      WHERE realm_id = :realmId
        AND (:code = 'throttled' OR requested_trigger <> 'manual' OR requested_seq = :servedRequest)`,
    { realmId: run.realmId, notBefore, code: error.code, servedRequest: run.servedRequest },
  )
}

/** A status that a person chose meanwhile is kept. */
async function setStatus(
  tx: Tx,
  { id: runId, realmId }: Run,
  status: CompanyStatus,
  error: LedgerError,
): Promise<void> {
  const changed = await rowsOf(
    tx.trx,
    `UPDATE companies
        SET status_changed_at = CASE WHEN status = :status THEN status_changed_at ELSE :now END,
            status = :status,
            status_code = :code
      WHERE realm_id = :realmId AND status IN ('active', 'unavailable')
      RETURNING realm_id`,
    { realmId, status, code: error.code, now: tx.now },
  )
  if (status !== 'needs_reauth' || changed.length === 0) return
  const detail = { code: error.code, message: error.message, runId }
  await recordEvent(tx, { realmId, kind: 'reconnect_needed', detail }, BY_SERVICE)
}

function secondsAfter(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1000)
}
