import { noteThrottled, pauseCalls } from '../connections/service-state.ts'
import { rowsOf, type Tx } from '../db/database.ts'
import type { CompanyStatus } from '../domain/company.ts'
import { fateOf, type Fate } from '../domain/fate.ts'
import type { LedgerError } from '../domain/ledger-error.ts'
import { fenced } from './fenced.ts'
import { giveUpReconcile } from './give-up-reconcile.ts'
import { recordLastCalls } from './record-calls.ts'
import { changedRecords, failureTotals, recordTotals, reportOf, runTotals } from './report.ts'
import type { Run } from './run.ts'

export interface FailOptions {
  readonly failuresBefore: number
  readonly intervalSeconds: number
  /** In [0, 1). */
  readonly random: () => number
}

// As many companies throttled, or refused, in turn with no success between are no coincidence.
const COMPANIES_THAT_MEAN_THE_APP = 5
// How soon a refusal is looked at again that may concern the company or the whole app.
const SECOND_LOOK_SECONDS = 60
// As long as the pause after a secret that Intuit refuses: only a person mends either.
const HALT_SECONDS = 300

/** Ends a run that failed and says what follows for the company, in one transaction. Its request stands. */
export async function failRun(run: Run, error: LedgerError, options: FailOptions): Promise<Fate> {
  const context = {
    failuresBefore: options.failuresBefore,
    intervalSeconds: options.intervalSeconds,
    jitter: options.random(),
  }
  let fate = fateOf(error, context)
  if (fate.kind === 'gone') {
    await recordLastCalls(run)
    return fate
  }
  await fenced(run, async (tx) => {
    await noteFailure(tx, run.realmId, error)
    if (error.details.ambiguous) fate = await judgeRefusal(tx, run.realmId, fate, error)
    if (await giveUpReconcile(tx, run, error)) fate = sparedFate(fate, options)
    await closeFailed(tx, run, error)
    await carryOut(tx, run, fate, error)
    return [
      ...runTotals(run, 'failed', tx.now),
      ...recordTotals(run),
      ...failureTotals(run.realmId, error.code),
    ]
  })
  return fate
}

/** Where a listing alone was given up, the company is looked at as often as before. */
function sparedFate(fate: Fate, { intervalSeconds }: FailOptions): Fate {
  if (fate.kind !== 'later') return fate
  return { ...fate, delaySeconds: Math.min(fate.delaySeconds, intervalSeconds) }
}

async function noteFailure(tx: Tx, realmId: string, error: LedgerError): Promise<void> {
  await tx.trx.raw(
    `UPDATE companies
        SET failures_in_a_row = failures_in_a_row + 1,
            failing_since = coalesce(failing_since, :now),
            failing_code = :code
      WHERE realm_id = :realmId`,
    { realmId, now: tx.now, code: error.code },
  )
}

async function closeFailed(tx: Tx, run: Run, error: LedgerError): Promise<void> {
  await tx.trx.raw(
    `UPDATE sync_runs
        SET status = 'failed', mode = :mode, finished_at = :now, requests = :requests,
            metered_calls = :meteredCalls, changed = :changed, entities = CAST(:entities AS jsonb),
            error_code = :code, error_message = :message, intuit_tid = :intuitTid
      WHERE id = :runId`,
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
}

async function carryOut(tx: Tx, run: Run, fate: Fate, error: LedgerError): Promise<void> {
  const { realmId } = run
  switch (fate.kind) {
    case 'later':
      await waitUntil(tx, run, secondsAfter(tx.now, fate.delaySeconds), error)
      if (error.code === 'throttled') await noticeThrottledApp(tx, realmId, fate.delaySeconds, error)
      return
    case 'lapsed':
      await waitUntil(tx, run, secondsAfter(tx.now, fate.delaySeconds), error)
      return setStatus(tx, realmId, 'unavailable', error)
    case 'reauth':
      return setStatus(tx, realmId, 'needs_reauth', error)
    case 'halt':
      return pauseCalls(tx, {
        until: secondsAfter(tx.now, fate.delaySeconds),
        code: 'app_misconfigured',
        reason: error.message,
      })
    case 'retry':
    case 'gone':
      return
  }
}

/**
 * Intuit refuses a company that disconnected and an app that is wrongly set up with the same words. The company is
 * only blamed once another one was read since the refusals began; when many are refused and none is read, or all
 * that could be, it is the app.
 */
async function judgeRefusal(tx: Tx, realmId: string, fate: Fate, error: LedgerError): Promise<Fate> {
  const [others] = await rowsOf<{ companies: number; served: number; refused: number; failing: number }>(
    tx.trx,
    `SELECT count(*) AS companies,
            count(*) FILTER (WHERE last_success_at > :refusedSince) AS served,
            count(*) FILTER (WHERE failing_code = :code) AS refused,
            count(*) FILTER (WHERE failing_code <> :code) AS failing
       FROM companies
      WHERE status = 'active' AND realm_id <> :realmId`,
    { realmId, refusedSince: await refusedSince(tx, realmId, error), code: error.code },
  )
  if (!others || others.companies === 0 || others.served > 0) return ownFault(fate)
  const alike = Math.min(others.companies - others.failing, COMPANIES_THAT_MEAN_THE_APP - 1)
  if (others.refused > 0 && others.refused >= alike) return { kind: 'halt', delaySeconds: HALT_SECONDS }
  return { kind: 'later', delaySeconds: SECOND_LOOK_SECONDS }
}

/** When the refusals that now stand in a row began: a failure of another kind before them says nothing of the app. */
async function refusedSince(tx: Tx, realmId: string, error: LedgerError): Promise<Date> {
  const [row] = await rowsOf<{ since: Date | null }>(
    tx.trx,
    `SELECT min(finished_at) AS since
       FROM sync_runs
      WHERE realm_id = :realmId AND error_code = :code
        AND id > coalesce((SELECT max(id)
                             FROM sync_runs
                            WHERE realm_id = :realmId AND status IN ('succeeded', 'partial', 'failed')
                              AND error_code IS DISTINCT FROM :code), 0)`,
    { realmId, code: error.code },
  )
  return row?.since ?? tx.now
}

/** A connection of another environment stays uncalled; that is no reason to stop the others. */
function ownFault(fate: Fate): Fate {
  return fate.kind === 'halt' ? { kind: 'later', delaySeconds: fate.delaySeconds } : fate
}

async function noticeThrottledApp(
  tx: Tx,
  realmId: string,
  delaySeconds: number,
  error: LedgerError,
): Promise<void> {
  if ((await noteThrottled(tx, realmId)) < COMPANIES_THAT_MEAN_THE_APP) return
  await pauseCalls(tx, {
    until: secondsAfter(tx.now, delaySeconds),
    code: 'throttled',
    reason: error.message,
  })
}

/**
 * A person who asked while this run was under way asked for a run after it, and lifts a wait that we chose as if they
 * had asked a moment later.
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
async function setStatus(tx: Tx, realmId: string, status: CompanyStatus, error: LedgerError): Promise<void> {
  await tx.trx.raw(
    `UPDATE companies
        SET status_changed_at = CASE WHEN status = :status THEN status_changed_at ELSE :now END,
            status = :status,
            status_code = :code
      WHERE realm_id = :realmId AND status IN ('active', 'unavailable')`,
    { realmId, status, code: error.code, now: tx.now },
  )
}

function secondsAfter(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1000)
}
