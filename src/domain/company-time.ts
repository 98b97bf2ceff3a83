// QuickBooks' own zone: its times carry Pacific offsets, and not every company reports a zone.
const QUICKBOOKS_TIME_ZONE = 'America/Los_Angeles'

/**
 * A company's local wall-clock time, as the milliseconds since 1970 of the same reading in UTC.
 *
 * @param timeZone IANA name; null if unknown. A name that does not exist counts as unknown.
 */
export function wallClockMs(moment: Date, timeZone: string | null): number {
  try {
    return wallClockIn(timeZone ?? QUICKBOOKS_TIME_ZONE, moment)
  } catch {
    return wallClockIn(QUICKBOOKS_TIME_ZONE, moment)
  }
}

// The Swedish locale writes dates and times as ISO 8601 does.
function wallClockIn(timeZone: string, moment: Date): number {
  const shown = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  return Date.parse(`${shown.format(moment).replace(' ', 'T')}Z`)
}
