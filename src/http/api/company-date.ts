// QuickBooks' own zone: its times carry Pacific offsets, and it does not tell every company's zone.
const QUICKBOOKS_TIME_ZONE = 'America/Los_Angeles'

/**
 * The day it is for a company, `YYYY-MM-DD`: a bill is overdue by the company's own date.
 *
 * @param timeZone IANA name; null where unknown. One that does not exist counts as unknown.
 */
export function companyDate(now: Date, timeZone: string | null): string {
  try {
    return dateIn(timeZone ?? QUICKBOOKS_TIME_ZONE, now)
  } catch {
    return dateIn(QUICKBOOKS_TIME_ZONE, now)
  }
}

// Sweden writes dates as ISO 8601 does.
function dateIn(timeZone: string, now: Date): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone }).format(now)
}
