// QuickBooks' own zone: its times carry Pacific offsets, and not every company reports a zone.
const QUICKBOOKS_TIME_ZONE = 'America/Los_Angeles'

/**
 * A company's local wall-clock time, as the milliseconds since 1970 of the same reading in UTC.
 *
 * @param timeZone IANA name; null if unknown. A name that does not exist counts as unknown.
 */
export function wallClockMs(moment: Date, timeZone: string | null): number {
  return Date.parse(`${readingIn(timeZone, moment).replace(' ', 'T')}Z`)
}

/** The company's own date at a moment, `YYYY-MM-DD`. */
export function companyDay(moment: Date, timeZone: string | null): string {
  return readingIn(timeZone, moment).slice(0, '2026-01-31'.length)
}

function readingIn(timeZone: string | null, moment: Date): string {
  try {
    return formatIn(timeZone ?? QUICKBOOKS_TIME_ZONE).format(moment)
  } catch {
    return formatIn(QUICKBOOKS_TIME_ZONE).format(moment)
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/**
 * Creating one takes longer than formatting a page of days, and there are a few hundred zones at most. The Swedish
 * locale writes dates and times as ISO 8601 does.
 */
function formatIn(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  formats.set(timeZone, format)
  return format
}
