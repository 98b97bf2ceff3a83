const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `12 s`, `6 min`, `3 h`, `5 days`: as exact as a person needs it. */
export function durationWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 90) return `${whole} s`
  if (whole < 90 * MINUTE) return `${Math.round(whole / MINUTE)} min`
  if (whole < 36 * HOUR) return `${Math.round(whole / HOUR)} h`
  return `${Math.round(whole / DAY)} days`
}

/** `6 min ago`, `in 6 min`. */
export function agoWords(moment: Date, now: Date): string {
  const seconds = (now.getTime() - moment.getTime()) / 1000
  if (Math.abs(seconds) < 1) return 'now'
  return seconds > 0 ? `${durationWords(seconds)} ago` : `in ${durationWords(-seconds)}`
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** `Thu 26 Nov 2026, 14:00:30` in a zone. */
export function momentWords(moment: Date, zone: string): string {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    })
    formats.set(zone, format)
  }
  const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]))
  return `${parts['weekday']} ${parts['day']} ${parts['month']} ${parts['year']}, ${parts['hour']}:${parts['minute']}:${parts['second']}`
}
