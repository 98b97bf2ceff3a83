import type { Knex } from 'knex'
import { rowsOf } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { readStanding, type BooksOptions, type Mirror } from './standing.ts'

export const STEPS = ['day', 'week', 'month'] as const
export type Step = (typeof STEPS)[number]

export interface SeriesQuestion {
  readonly realmId: string
  readonly qboId: string
  /** `YYYY-MM-DD`, both included; future days, by the company's date, are left out. Null: 90 days before `to`. */
  readonly from: string | null
  /** Null: today, by the company's date. */
  readonly to: string | null
  readonly step: Step
}

export interface SeriesAnswer {
  /** One point a step, dated its last day: a week ends on Sunday, and the last step no later than the series. */
  readonly data: readonly { readonly date: string; readonly currentBalance: string | null }[]
  readonly mirror: Mirror
}

// A quarter of a year.
const USUAL_DAYS = 90

// Three years of days; a longer series needs weeks.
export const MOST_POINTS = 1100

/**
 * What the mirror held of an account at the end of each step, by the company's own calendar. Null where it held no
 * account or no amount: before the first sync, and after a delete.
 *
 * @throws LedgerError `not_found`, `never_synced`; `invalid_request` for a series of too many points.
 */
export async function readBalanceSeries(
  options: BooksOptions,
  question: SeriesQuestion,
): Promise<SeriesAnswer> {
  const { realmId, qboId, step } = question
  const moment = { asOf: null, sourceAsOf: null }
  const { today, mirror } = await readStanding(options, { realmId, entity: 'balance', moment, pinned: null })
  const to = question.to === null || question.to > today ? today : question.to
  const points = lastDays(question.from ?? daysAfter(to, -USUAL_DAYS), to, step)
  const held = await readHeldByDay(options.database.knex, realmId, { qboId })
  if (held.length === 0) throw new LedgerError('not_found', `company ${realmId} has no balance ${qboId}`)
  return { data: points.map((date) => ({ date, currentBalance: balanceOn(date, held) })), mirror }
}

/** An account as it was held at the end of a day on which it changed. */
export interface DayHeld {
  readonly qboId: string
  readonly currency: string | null
  readonly day: string
  readonly balance: string | null
}

/** What one account, or all of a type, held at the end of each day on which they changed, by the company's calendar. */
export async function readHeldByDay(
  knex: Knex,
  realmId: string,
  which: { readonly qboId: string } | { readonly accountType: string },
): Promise<DayHeld[]> {
  const [column, value] = 'qboId' in which ? ['qbo_id', which.qboId] : ['account_type', which.accountType]
  return rowsOf<DayHeld>(
    knex,
    `SELECT DISTINCT ON (changed.qbo_id, changed.day) changed.qbo_id AS "qboId", changed.currency,
            CAST(changed.day AS text) AS day, CAST(changed.balance AS text) AS balance
       FROM (SELECT v.qbo_id, v.currency, company_date(v.valid_from, c.time_zone) AS day, v.valid_from,
                    CASE WHEN v.deleted_at IS NULL THEN v.current_balance END AS balance
               FROM balances_versions v
               JOIN companies c ON c.realm_id = v.realm_id
              WHERE v.realm_id = :realmId AND v.${column} = :value) AS changed
      ORDER BY changed.qbo_id, changed.day, changed.valid_from DESC`,
    { realmId, value },
  )
}

/** `held` by day. A day before the first has none. */
export function balanceOn(date: string, held: readonly DayHeld[]): string | null {
  return held.findLast(({ day }) => day <= date)?.balance ?? null
}

/** The last day of each step that has days from `from` to `to`, the last of them cut there. */
export function lastDays(from: string, to: string, step: Step): string[] {
  const days: string[] = []
  for (let day = from; day <= to; day = daysAfter(days.at(-1)!, 1)) {
    if (days.length === MOST_POINTS) throw tooMany()
    const last = lastOfStep(day, step)
    days.push(last < to ? last : to)
  }
  return days
}

function lastOfStep(day: string, step: Step): string {
  if (step === 'day') return day
  const date = new Date(day)
  if (step === 'week') date.setUTCDate(date.getUTCDate() + ((7 - date.getUTCDay()) % 7))
  else date.setUTCMonth(date.getUTCMonth() + 1, 0)
  return date.toISOString().slice(0, day.length)
}

/** Or before, where `days` is negative. */
export function daysAfter(day: string, days: number): string {
  const date = new Date(day)
  date.setUTCDate(date.getUTCDate() + days)
  return date.toISOString().slice(0, day.length)
}

function tooMany(): LedgerError {
  const message = `would give more than ${MOST_POINTS} points: ask for a shorter period or a longer step`
  return new LedgerError('invalid_request', `step: ${message}`, {
    details: { fields: [{ field: 'step', message }] },
  })
}
