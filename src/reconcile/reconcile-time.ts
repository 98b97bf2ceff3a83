import { wallClockMs } from '../domain/company-time.ts'

export interface ReconcileState {
  readonly realmId: string
  readonly timeZone: string | null
  /** In [0, 1), from a hash of the realm id. */
  readonly phase: number
  /** When its last complete listing began, or the company was registered. */
  readonly lastListedAt: Date
}

export interface DueReconcile {
  readonly realmId: string
  readonly overdueMs: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
// People have gone home, and the next day's work has not begun; a listing of the largest companies takes an hour.
const NIGHT_BEGINS_MS = HOUR_MS
// The last one begins an hour before the night ends, so that it still gets its turn after others.
const LAST_BEGINS_MS = 4 * HOUR_MS
const NIGHT_ENDS_MS = 5 * HOUR_MS
// A listing this shortly before a company's night has already seen what that night would show.
const FRESH_MS = 12 * HOUR_MS
// This late, three nights were missed, and waiting for another would only add to it.
const FAR_OVERDUE_MS = 3 * DAY_MS

/**
 * The companies due for a complete listing now, the longest overdue first. Each has its own night in every `everyDays`
 * nights, and a minute of that night, both from its phase. A missed one is made up in the next night, at the same
 * minute, or at any hour once far overdue.
 */
export function dueReconciles(
  companies: readonly ReconcileState[],
  everyDays: number,
  now: Date,
): DueReconcile[] {
  const offsetMs = offsetsAt(now)
  return companies
    .flatMap((company) => {
      const shownMs = now.getTime() + offsetMs(company.timeZone)
      const ownMs = ownTime(company.phase, everyDays)
      const freshUntilMs = company.lastListedAt.getTime() + offsetMs(company.timeZone) + FRESH_MS
      const overdueMs = shownMs - firstFrom(freshUntilMs, ownMs, everyDays * DAY_MS)
      const timeOfDayMs = shownMs % DAY_MS
      const isNight = timeOfDayMs >= ownMs % DAY_MS && timeOfDayMs < NIGHT_ENDS_MS
      const isDue = overdueMs >= 0 && (isNight || overdueMs >= FAR_OVERDUE_MS)
      return isDue ? [{ realmId: company.realmId, overdueMs }] : []
    })
    .sort((a, b) => b.overdueMs - a.overdueMs)
}

/** A company's place in a round of `everyDays` nights, in milliseconds from the round's first midnight. */
function ownTime(phase: number, everyDays: number): number {
  const night = Math.floor(phase * everyDays)
  const place = phase * everyDays - night
  return night * DAY_MS + NIGHT_BEGINS_MS + place * (LAST_BEGINS_MS - NIGHT_BEGINS_MS)
}

/** The first moment, at or after the given one, that is at `placeMs` in its round. */
function firstFrom(fromMs: number, placeMs: number, roundMs: number): number {
  return placeMs + Math.ceil((fromMs - placeMs) / roundMs) * roundMs
}

/** How far each zone is ahead of UTC: computed once per zone, because it takes longer than all the rest. */
function offsetsAt(now: Date): (timeZone: string | null) => number {
  const known = new Map<string | null, number>()
  return (timeZone) => {
    const offset = known.get(timeZone) ?? wallClockMs(now, timeZone) - wholeSecond(now)
    known.set(timeZone, offset)
    return offset
  }
}

/** A wall clock shows no fractions. */
function wholeSecond(moment: Date): number {
  return Math.floor(moment.getTime() / 1000) * 1000
}
