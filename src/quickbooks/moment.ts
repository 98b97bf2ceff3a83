const MOMENT = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/

const CALENDAR_DATE = /^\d{4}-\d{2}-\d{2}$/

/**
 * A moment as QuickBooks writes it: ISO 8601 with an offset, which follows Pacific time and its daylight saving. One
 * without an offset is ambiguous, and one on a day that does not exist is damaged: both are null.
 */
export function parseMoment(text: string): Date | null {
  const day = MOMENT.exec(text)?.[1]
  if (day === undefined || !isCalendarDate(day)) return null
  const moment = new Date(text)
  return Number.isNaN(moment.getTime()) ? null : moment
}

/** True for `YYYY-MM-DD` of a day that exists, in a year that Postgres knows too (it has no year 0). */
export function isCalendarDate(text: string): boolean {
  if (!CALENDAR_DATE.test(text) || text.startsWith('0000')) return false
  const midnight = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text)
}

/** ISO 8601 UTC, cut to the second: the precision of QuickBooks' CreateTime and LastUpdatedTime. */
export function toSecond(moment: Date): string {
  return `${moment.toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`
}
