import { rowsOf, rowsOfPrepared, type Tx } from '../db/database.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import type { Knex } from 'knex'

export interface CallsPause {
  readonly until: Date
  readonly code: ErrorCode
  readonly reason: string
}

/** The pause of all companies in force at `now`, if any. */
export async function readCallsPause(on: Knex | Knex.Transaction, now: Date): Promise<CallsPause | null> {
  const [row] = await rowsOfPrepared<CallsPause>(
    on,
    `SELECT calls_paused_until AS until, calls_paused_code AS code, calls_paused_reason AS reason
       FROM service_state
      WHERE calls_paused_until > :now`,
    { now },
  )
  return row ?? null
}

/** Stops calls for every company until a moment; an existing longer pause is kept. */
export async function pauseCalls(tx: Tx, pause: CallsPause): Promise<void> {
  await tx.trx.raw(
    `UPDATE service_state
        SET calls_paused_until = :until, calls_paused_code = :code, calls_paused_reason = :reason
      WHERE calls_paused_until IS NULL OR calls_paused_until <= :until`,
    { until: pause.until, code: pause.code, reason: pause.reason },
  )
}

/**
 * Ends pauses and waits caused by settings, for the service and for single companies: a new start may have brought
 * other settings. A pause that Intuit caused stays.
 */
export async function forgetSettingsPause(on: Knex | Knex.Transaction): Promise<void> {
  await on.raw(
    `UPDATE companies SET not_before = NULL, not_before_code = NULL
      WHERE not_before_code IN ('token_unreadable', 'wrong_environment')`,
  )
  await on.raw(
    `UPDATE service_state
        SET calls_paused_until = NULL, calls_paused_code = NULL, calls_paused_reason = NULL
      WHERE calls_paused_code IN ('app_misconfigured', 'budget_spent')`,
  )
}

/**
 * Notes that a company was throttled. Throttling normally hits single companies; many of them with no success in
 * between means that the whole app is throttled.
 *
 * @returns how many companies were throttled since any company last succeeded.
 */
export async function noteThrottled(tx: Tx, realmId: string): Promise<number> {
  const [row] = await rowsOf<{ companies: number }>(
    tx.trx,
    `UPDATE service_state
        SET throttled_companies = array_append(array_remove(throttled_companies, :realmId), :realmId)
      RETURNING cardinality(throttled_companies) AS companies`,
    { realmId },
  )
  return row?.companies ?? 0
}

/** Notes that a company was read without being throttled. Writes only when there is something to clear. */
export async function noteServed(tx: Tx): Promise<void> {
  await rowsOfPrepared(
    tx.trx,
    `UPDATE service_state SET throttled_companies = '{}' WHERE throttled_companies <> '{}'`,
  )
}
