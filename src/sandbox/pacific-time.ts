const SECOND_MS = 1000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** `2026-11-20T10:01:09-08:00`: how QuickBooks writes CreateTime and LastUpdatedTime. */
export function pacificSecond(atMs: number): string {
  const offsetHours = pacificOffsetHours(atMs)
  const local = new Date(atMs + offsetHours * HOUR_MS).toISOString()
  return `${local.slice(0, 19)}${offsetText(offsetHours)}`
}

/** `2026-11-22T07:15:02.318-08:00`: the `time` of an answer. */
export function pacificMillisecond(atMs: number): string {
  const offsetHours = pacificOffsetHours(atMs)
  const local = new Date(atMs + offsetHours * HOUR_MS).toISOString()
  return `${local.slice(0, 23)}${offsetText(offsetHours)}`
}

/** The calendar day at Intuit's servers, which a transaction without TxnDate gets. */
export function pacificDate(atMs: number): string {
  return pacificSecond(atMs).slice(0, 10)
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10)
}

export function startOfSecond(atMs: number): number {
  return Math.floor(atMs / SECOND_MS) * SECOND_MS
}

const MOMENT = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/

/**
 * Epoch milliseconds of a date or dateTime as a caller writes it; without an offset it is Pacific time.
 * Null when it is neither (a `+` that was not percent-encoded arrives as a space, for one).
 */
export function parseMoment(text: string): number | null {
  const match = MOMENT.exec(text)
  if (!match) return null
  const [, date, clock = '00:00:00', offset] = match
  const utcMs = Date.parse(`${date}T${clock}${offset ?? 'Z'}`)
  if (Number.isNaN(utcMs)) return null
  return offset ? utcMs : utcMs - pacificOffsetHours(utcMs + 8 * HOUR_MS) * HOUR_MS
}

function offsetText(offsetHours: number): string {
  return `-0${-offsetHours}:00`
}

const transitions = new Map<number, { beginsMs: number; endsMs: number }>()

/** Daylight time since 2007: second Sunday of March to first Sunday of November, at 2:00 local time. */
function pacificOffsetHours(atMs: number): number {
  const year = new Date(atMs).getUTCFullYear()
  const known = transitions.get(year) ?? {
    beginsMs: nthSunday(year, 2, 2, 10),
    endsMs: nthSunday(year, 10, 1, 9),
  }
  transitions.set(year, known)
  return atMs >= known.beginsMs && atMs < known.endsMs ? -7 : -8
}

function nthSunday(year: number, month: number, nth: number, utcHour: number): number {
  const weekdayOfFirst = new Date(Date.UTC(year, month, 1)).getUTCDay()
  const day = 1 + ((7 - weekdayOfFirst) % 7) + (nth - 1) * 7
  return Date.UTC(year, month, day, utcHour)
}
