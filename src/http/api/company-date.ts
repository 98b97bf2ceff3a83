import { wallClockMs } from '../../domain/company-time.ts'

/**
 * The day it is for a company, `YYYY-MM-DD`: a bill is overdue by the company's own date.
 *
 * @param timeZone IANA name; null where unknown: then QuickBooks' own, as for one that does not exist.
 */
export function companyDate(now: Date, timeZone: string | null): string {
  return new Date(wallClockMs(now, timeZone)).toISOString().slice(0, 10)
}
