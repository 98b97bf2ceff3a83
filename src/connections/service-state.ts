import type { Knex } from 'knex'
import { rowsOf, rowsOfPrepared, type Tx } from '../db/database.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import { isStopCode, type StopChange, type StopCode } from '../domain/service-stop.ts'
import { BY_SERVICE, recordEvent } from './record-event.ts'

export interface CallsPause {
  /** In the past for a stop that waits for one company's try. */
  readonly until: Date
  readonly code: ErrorCode
  readonly reason: string
  /** Since when all calls are stopped; null for a pause that ends by itself. */
  readonly since: Date | null
}

const PAUSE = `calls_paused_until AS until, calls_paused_code AS code, calls_paused_reason AS reason, stopped_since AS since`

/**
 * What keeps all companies from being read at `now`, if anything: a pause in force, or a stop. Release 0.1.0, which knows of no stop,
 * ends one by clearing its pause alone.
 */
export async function readCallsPause(on: Knex | Knex.Transaction, now: Date): Promise<CallsPause | null> {
  const [row] = await rowsOfPrepared<CallsPause>(
    on,
    `SELECT ${PAUSE}
       FROM service_state
      WHERE calls_paused_until > :now OR (stopped_since IS NOT NULL AND calls_paused_until IS NOT NULL)`,
    { now },
  )
  return row ?? null
}

/**
 * Stops calls for every company until a moment; an existing longer pause is kept. A pause that ends by itself does not
 * replace a stop.
 *
 * @returns the stop if one begins with it.
 */
export async function pauseCalls(
  tx: Tx,
  { until, code, reason }: Pick<CallsPause, 'until' | 'code' | 'reason'>,
): Promise<StopChange | null> {
  const before = await lockPause(tx)
  if (before && before.until > until) return null
  const stop = before?.since ? before : null
  if (!isStopCode(code)) {
    await setPause(tx, stop ? { ...stop, until } : { until, code, reason, since: null })
    return null
  }
  const begins = stop?.code !== code
  await setPause(tx, { until, code, reason, since: begins ? tx.now : stop.since })
  if (!begins) return null
  await recordEvent(
    tx,
    { realmId: null, kind: 'service_stopped', detail: { code, reason, until } },
    BY_SERVICE,
  )
  return { kind: 'stopped', code, reason, until }
}

/** What was set last, in force or not; null if nothing is. */
async function lockPause(tx: Tx): Promise<CallsPause | null> {
  const [row] = await rowsOf<CallsPause>(
    tx.trx,
    `SELECT ${PAUSE}
       FROM service_state
      WHERE calls_paused_until IS NOT NULL
        FOR UPDATE`,
  )
  return row ?? null
}

async function setPause(tx: Tx, { until, code, reason, since }: CallsPause): Promise<void> {
  await tx.trx.raw(
    `UPDATE service_state
        SET calls_paused_until = :until,
            calls_paused_code = :code,
            calls_paused_reason = :reason,
            stopped_since = :since`,
    { until, code, reason, since },
  )
}

// As long as the pause after a refusal of the app: a try that finds nothing out, because its company has trouble of its
// own or its process died, is followed by another one.
const TRIAL_SECONDS = 300

/** Whether a stop waits for one company's try. The budget needs none: the tick knows when it is no longer spent. */
export function isTrialDue({ until, code, since }: CallsPause, now: Date): boolean {
  return since !== null && until <= now && code !== 'budget_spent'
}

/** Takes the one try that a stop allows. @returns false when somebody else has it. */
export async function claimTrial(tx: Tx): Promise<boolean> {
  const claimed = await rowsOf(
    tx.trx,
    `UPDATE service_state
        SET calls_paused_until = CAST(:now AS timestamptz) + make_interval(secs => :trialSeconds)
      WHERE stopped_since IS NOT NULL AND calls_paused_until <= :now
      RETURNING stopped_since`,
    { now: tx.now, trialSeconds: TRIAL_SECONDS },
  )
  return claimed.length > 0
}

/** Ends the stop that the budget caused, once the budget is not spent. @returns null if there was none. */
export async function endBudgetStop(tx: Tx): Promise<StopChange | null> {
  return endStop(tx, `calls_paused_code = 'budget_spent'`)
}

/**
 * After a start, which may have brought other settings: companies that waited because of settings need not wait, and a
 * stop because of them is tried at once. A pause that Intuit caused stays.
 */
export async function forgetSettingsPause(on: Knex | Knex.Transaction, now: Date): Promise<void> {
  await on.raw(
    `UPDATE companies SET not_before = NULL, not_before_code = NULL
      WHERE not_before_code IN ('token_unreadable', 'wrong_environment')`,
  )
  await on.raw(
    `UPDATE service_state
        SET calls_paused_until = least(calls_paused_until, :now)
      WHERE calls_paused_code = 'app_misconfigured'`,
    { now },
  )
}

/** Companies throttled in turn, with none read in between. */
export interface Throttling {
  readonly companies: number
  readonly since: Date
  /** Whether a renewal of tokens was among it. */
  readonly ofTokens: boolean
}

/**
 * Notes that a company was throttled. Throttling normally hits single companies; many of them with no success in
 * between means that the whole app is throttled. What an earlier row of them left counts no more.
 */
export async function noteThrottled(
  tx: Tx,
  { realmId, ofTokens }: { readonly realmId: string; readonly ofTokens: boolean },
): Promise<Throttling> {
  const [row] = await rowsOf<Throttling>(
    tx.trx,
    `UPDATE service_state
        SET throttled_companies = array_append(array_remove(throttled_companies, :realmId), :realmId),
            throttled_since = CASE WHEN throttled_companies = '{}' THEN :now ELSE coalesce(throttled_since, :now) END,
            tokens_throttled = :ofTokens OR (tokens_throttled AND throttled_companies <> '{}')
      RETURNING cardinality(throttled_companies) AS companies, throttled_since AS since, tokens_throttled AS "ofTokens"`,
    { realmId, ofTokens, now: tx.now },
  )
  return row ?? { companies: 0, since: tx.now, ofTokens }
}

/**
 * Notes that a company was read. That ends a stop that Intuit caused, unless the run began before it: the run's tokens
 * may be older than what is refused now. Writes only when there is something to clear.
 */
export async function noteServed(tx: Tx, runStartedAt: Date): Promise<StopChange | null> {
  const [found] = await rowsOfPrepared<{ throttled: boolean; stopped: boolean }>(
    tx.trx,
    `SELECT throttled_companies <> '{}' AS throttled, coalesce(${ENDED_BY_A_RUN}, false) AS stopped
       FROM service_state`,
    { runStartedAt },
  )
  if (found?.throttled) await tx.trx.raw(`UPDATE service_state SET throttled_companies = '{}'`)
  return found?.stopped ? endStop(tx, ENDED_BY_A_RUN, { runStartedAt }) : null
}

const ENDED_BY_A_RUN = `stopped_since < :runStartedAt AND calls_paused_code <> 'budget_spent'`

async function endStop(
  tx: Tx,
  condition: string,
  bindings: Readonly<Record<string, Date>> = {},
): Promise<StopChange | null> {
  const [ended] = await rowsOf<{ code: StopCode; stoppedSince: Date }>(
    tx.trx,
    `UPDATE service_state s
        SET calls_paused_until = NULL, calls_paused_code = NULL, calls_paused_reason = NULL, stopped_since = NULL
       FROM (SELECT calls_paused_code AS code, stopped_since AS "stoppedSince"
               FROM service_state
              WHERE stopped_since IS NOT NULL AND ${condition}
                FOR UPDATE) ended
      RETURNING ended.*`,
    bindings,
  )
  if (!ended) return null
  await recordEvent(tx, { realmId: null, kind: 'service_resumed', detail: { ...ended } }, BY_SERVICE)
  return { kind: 'resumed', ...ended }
}
