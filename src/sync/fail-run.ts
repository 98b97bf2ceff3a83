import { noteThrottled, pauseCalls } from '../connections/service-state.ts'
import { rowsOf, type Tx } from '../db/database.ts'
import type { CompanyStatus } from '../domain/company.ts'
import { fateOf, type Fate } from '../domain/fate.ts'
import type { LedgerError } from '../domain/ledger-error.ts'
import { fenced } from './fenced.ts'
import { changedRecords, failureTotals, recordTotals, reportOf, runTotals } from './report.ts'
import type { Run } from './run.ts'

export interface FailOptions {
  readonly failuresBefore: number
  readonly intervalSeconds: number
  /** In [0, 1). */
  readonly random: () => number
}

// As many companies throttled in turn, with no success between, are no coincidence.
const THROTTLED_COMPANIES_THAT_MEAN_THE_APP = 5
// How soon a refusal is looked at again that may concern the company or the whole app.
const SECOND_LOOK_SECONDS = 60

/** Ends a run that failed and says what follows for the company, in one transaction. Its request stands. */
export async function failRun(run: Run, error: LedgerError, options: FailOptions): Promise<Fate> {
  const context = {
    failuresBefore: options.failuresBefore,
    intervalSeconds: options.intervalSeconds,
    jitter: options.random(),
  }
  let fate = fateOf(error, context)
  if (fate.kind === 'gone') return fate
  await fenced(run, async (tx) => {
    const failingSince = await noteFailure(tx, run.realmId, error)
    if (error.details.ambiguous) fate = await judgeRefusal(tx, run.realmId, fate, error, failingSince)
    await closeFailed(tx, run, error)
    await carryOut(tx, run.realmId, fate, error)
    return [
      ...runTotals(run, 'failed', tx.now),
      ...recordTotals(run),
      ...failureTotals(run.realmId, error.code),
    ]
  })
  return fate
}

/** @returns since when the company's runs fail. */
async function noteFailure(tx: Tx, realmId: string, error: LedgerError): Promise<Date> {
  const [company] = await rowsOf<{ failingSince: Date }>(
    tx.trx,
    `UPDATE companies
        SET failures_in_a_row = failures_in_a_row + 1,
            failing_since = coalesce(failing_since, :now),
            failing_code = :code
      WHERE realm_id = :realmId
      RETURNING failing_since AS "failingSince"`,
    { realmId, now: tx.now, code: error.code },
  )
  return company?.failingSince ?? tx.now
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
      entities: JSON.stringify(reportOf(run)),
      code: error.code,
      message: error.message.replaceAll('\u0000', ''),
      intuitTid: error.details.intuitTid ?? null,
    },
  )
}

async function carryOut(tx: Tx, realmId: string, fate: Fate, error: LedgerError): Promise<void> {
  switch (fate.kind) {
    case 'later':
      await waitUntil(tx, realmId, secondsAfter(tx.now, fate.delaySeconds), error)
      if (error.code === 'throttled') await noticeThrottledApp(tx, realmId, fate.delaySeconds, error)
      return
    case 'lapsed':
      await waitUntil(tx, realmId, secondsAfter(tx.now, fate.delaySeconds), error)
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
 * only blamed once another one was read since its own failures began; while all fail alike, it is the app.
 */
async function judgeRefusal(
  tx: Tx,
  realmId: string,
  fate: Fate,
  error: LedgerError,
  failingSince: Date,
): Promise<Fate> {
  const [others] = await rowsOf<{ companies: number; servedSince: number; failingAlike: number }>(
    tx.trx,
    `SELECT count(*) AS companies,
            count(*) FILTER (WHERE last_success_at > :failingSince) AS "servedSince",
            count(*) FILTER (WHERE failing_code = :code) AS "failingAlike"
       FROM companies
      WHERE status = 'active' AND realm_id <> :realmId`,
    { realmId, failingSince, code: error.code },
  )
  if (!others || others.companies === 0 || others.servedSince > 0) return ownFault(fate)
  if (others.failingAlike > 0) return { kind: 'halt', delaySeconds: SECOND_LOOK_SECONDS * 5 }
  return { kind: 'later', delaySeconds: SECOND_LOOK_SECONDS }
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
  if ((await noteThrottled(tx, realmId)) < THROTTLED_COMPANIES_THAT_MEAN_THE_APP) return
  await pauseCalls(tx, {
    until: secondsAfter(tx.now, delaySeconds),
    code: 'throttled',
    reason: error.message,
  })
}

async function waitUntil(tx: Tx, realmId: string, notBefore: Date, error: LedgerError): Promise<void> {
  await tx.trx.raw(
    `UPDATE companies SET not_before = :notBefore, not_before_code = :code WHERE realm_id = :realmId`,
    { realmId, notBefore, code: error.code },
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
