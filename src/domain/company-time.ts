// QuickBooks' own zone: its times carry Pacific offsets, and it does not tell every company's zone.
const QUICKBOOKS_TIME_ZONE = 'America/Los_Angeles'

/**
 * What a clock on a company's wall shows, as the milliseconds since 1970 at which it would show that in UTC.
 *
 * @param timeZone IANA name; null where unknown. One that does not exist counts as unknown.
 */
export function wallClockMs(moment: Date, timeZone: string | null): number {
  try {
    return wallClockIn(timeZone ?? QUICKBOOKS_TIME_ZONE, moment)
  } catch {
    return wallClockIn(QUICKBOOKS_TIME_ZONE, moment)
  }
}

// Sweden writes dates and times as ISO 8601 does.
function wallClockIn(timeZone: string, moment: Date): number {
  const shown = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  return Date.parse(`${shown.format(moment).replace(' ', 'T')}Z`)
}
