import { companyDay, wallClockMs } from '../../domain/company-time.ts'

/** The moment at which clocks in a zone show a reading such as `2026-11-26T14:00` or `2026-11-26T14:00:30`. */
export function momentAt(reading: string, zone: string): Date {
  const wanted = Date.parse(`${reading}Z`)
  // The zone's offset at a first guess may be another than at the moment itself: the second look uses the right one.
  const guess = wanted - offsetMs(new Date(wanted), zone)
  return new Date(wanted - offsetMs(new Date(guess), zone))
}

/** What clocks in a zone show at a moment, `2026-11-26T14:00:30`. */
export function readingAt(moment: Date, zone: string): string {
  return new Date(wallClockMs(moment, zone)).toISOString().slice(0, '2026-11-26T14:00:30'.length)
}

function offsetMs(moment: Date, zone: string): number {
  return wallClockMs(moment, zone) - Math.floor(moment.getTime() / 1000) * 1000
}

export interface QuickMoment {
  readonly label: string
  readonly asOf: string
}

/** Moments that people ask for, latest first; an end of a day is its last moment in the zone. */
export function quickMoments(now: Date, zone: string): QuickMoment[] {
  const [year, month] = companyDay(now, zone).split('-').map(Number) as [number, number]
  const quarter = month - ((month - 1) % 3)
  return [
    { label: 'An hour ago', asOf: new Date(now.getTime() - 3_600_000).toISOString() },
    { label: 'End of yesterday', asOf: endBefore(companyDay(now, zone), zone) },
    { label: 'End of last month', asOf: endBefore(firstOf(year, month), zone) },
    { label: 'End of last quarter', asOf: endBefore(firstOf(year, quarter), zone) },
    { label: 'End of last year', asOf: endBefore(firstOf(year, 1), zone) },
  ]
}

function firstOf(year: number, month: number): string {
  return `${year}-${String(month).padStart(2, '0')}-01`
}

/** The last millisecond before a day begins. */
function endBefore(day: string, zone: string): string {
  return new Date(momentAt(`${day}T00:00`, zone).getTime() - 1).toISOString()
}
