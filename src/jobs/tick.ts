import { endBudgetStop, isTrialDue, pauseCalls, readCallsPause } from '../connections/service-state.ts'
import { rowsOf, type Database, type Tx } from '../db/database.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import type { StopChange } from '../domain/service-stop.ts'
import { askReconciles } from '../reconcile/ask-reconciles.ts'
import { abandonLapsedRuns } from '../sync/abandon-runs.ts'
import { foldTotals } from '../sync/fold-totals.ts'
import { readCallsOfMonth } from '../sync/record-calls.ts'

export interface TickOptions {
  readonly database: Database
  /** Queues companies; `died` are those among them whose old job may block a new one. */
  readonly enqueue: (tx: Tx, realmIds: readonly string[], died: readonly string[]) => Promise<void>
  readonly intervalSeconds: number
  readonly monthlyCallBudget: number | null
  /** How many nights a round of complete listings takes; if absent, none is requested. */
  readonly reconcileDays?: number | null
}

export interface TickResult {
  readonly abandoned: number
  readonly queued: number
  /** Why the metric totals were not folded: they are still read correctly, and the next tick tries again. */
  readonly notFolded: Error | null
  /** All calls were stopped, or go on, with this tick. */
  readonly stop: StopChange | null
}

/**
 * One tick of the service: closes the runs of dead processes, then queues every company that is due or requested, claim
 * and jobs in one transaction. Any number of processes may tick at once.
 */
export async function tick(options: TickOptions): Promise<TickResult> {
  const queued = await options.database.transaction((tx) => queueDue(tx, options))
  // In its own transaction and last: no company waits for metrics.
  const notFolded = await foldTotals(options.database).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
  return { ...queued, notFolded }
}

async function queueDue(tx: Tx, options: TickOptions): Promise<Omit<TickResult, 'notFolded'>> {
  const abandoned = await abandonLapsedRuns(tx)
  const stop = await guardBudget(tx, options.monthlyCallBudget)
  const due = await claimAndQueue(tx, options, abandoned)
  // Last, because every transaction locks that row after the companies.
  await tx.trx.raw('UPDATE service_state SET last_tick_at = :now', { now: tx.now })
  return { abandoned: abandoned.length, queued: due.length, stop }
}

async function claimAndQueue(tx: Tx, options: TickOptions, abandoned: readonly string[]): Promise<string[]> {
  const pause = await readCallsPause(tx.trx, tx.now)
  if (pause && !isTrialDue(pause, tx.now)) return []
  await pullBack(tx, options.intervalSeconds)
  // Before the claim, so that a company that is also due is read only once.
  if (options.reconcileDays) await askReconciles(tx, options.reconcileDays)
  const due = await claimDue(tx, options.intervalSeconds, pause && trialOrder(pause.code))
  await options.enqueue(tx, due, abandoned)
  return due
}

// The first moment of a company's rhythm, phase + k x interval, after now.
const NEXT_OF_RHYTHM = `to_timestamp(
  (floor(extract(epoch FROM CAST(:now AS timestamptz)) / :interval - c.sync_phase) + 1 + c.sync_phase) * :interval)`

/**
 * A next time more than an interval ahead means that the clock stepped back or the interval was shortened: such a
 * company would not be synced until then. A locked one is left to the next tick.
 */
async function pullBack(tx: Tx, intervalSeconds: number): Promise<void> {
  await tx.trx.raw(
    `WITH ahead AS (
       SELECT realm_id
         FROM companies
        WHERE next_sync_at > CAST(:now AS timestamptz) + make_interval(secs => :interval)
          FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE companies c
        SET next_sync_at = ${NEXT_OF_RHYTHM}
       FROM ahead
      WHERE c.realm_id = ahead.realm_id`,
    { now: tx.now, interval: intervalSeconds },
  )
}

/**
 * A due company gets a request of its own, so that a run that fails or dies is requested again like any other. Its next
 * time is the first of its rhythm after now: an outage causes no burst, a manual run shifts nothing.
 *
 * @param trialBy takes one company alone, the first in this order; null: all.
 */
async function claimDue(tx: Tx, intervalSeconds: number, trialBy: string | null): Promise<string[]> {
  const rows = await rowsOf<{ realmId: string }>(
    tx.trx,
    `WITH due AS (
       SELECT realm_id
         FROM companies d
        WHERE status IN ('active', 'unavailable')
          AND (next_sync_at <= :now OR requested_seq > served_seq)
          AND (not_before IS NULL OR not_before <= :now)
        ${trialBy === null ? '' : `ORDER BY ${trialBy} LIMIT 1`}
          FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE companies c
        SET requested_trigger = CASE WHEN c.requested_seq > c.served_seq THEN c.requested_trigger ELSE 'schedule' END,
            requested_seq = CASE WHEN c.requested_seq > c.served_seq THEN c.requested_seq ELSE c.requested_seq + 1 END,
            next_sync_at = CASE WHEN c.next_sync_at > :now THEN c.next_sync_at ELSE ${NEXT_OF_RHYTHM} END
       FROM due
      WHERE c.realm_id = due.realm_id
     RETURNING c.realm_id AS "realmId"`,
    { now: tx.now, interval: intervalSeconds },
  )
  return rows.map((row) => row.realmId)
}

/**
 * Which company tries whether a stop is over. A token that ends soon must be renewed, which tries the app's credentials;
 * where Intuit may answer no renewal, one that is still good asks for what is blocked.
 */
function trialOrder(code: ErrorCode): string {
  const expiry = '(SELECT k.access_token_expires_at FROM connections k WHERE k.realm_id = d.realm_id)'
  return code === 'quota_exhausted' ? `${expiry} DESC NULLS LAST` : `${expiry} NULLS FIRST`
}

async function guardBudget(tx: Tx, budget: number | null): Promise<StopChange | null> {
  if (budget === null) return endBudgetStop(tx)
  const used = await readCallsOfMonth(tx)
  if (used < budget) return endBudgetStop(tx)
  const nextMonth = new Date(Date.UTC(tx.now.getUTCFullYear(), tx.now.getUTCMonth() + 1, 1))
  return pauseCalls(tx, {
    until: nextMonth,
    code: 'budget_spent',
    reason: `${used} metered calls were made this month, of ${budget} that QBO_MONTHLY_CALL_BUDGET allows`,
  })
}
