import type { PageContext } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { agoWords, momentWords } from '../time/time-words.ts'

/** How long ago; the exact time on hover, in the reader's zone and UTC. */
export function ago(moment: Date | string | null, { now, look }: PageContext): Markup {
  if (moment === null) return html`<span class="quiet">never</span>`
  const at = new Date(moment)
  return html`<time datetime="${at.toISOString()}" title="${exact(at, look.zone)}"
    >${agoWords(at, now)}</time
  >`
}

/** The time itself, in a zone; how long ago on hover. */
export function clock(
  moment: Date | string | null,
  { now, look }: PageContext,
  zone: string | null = null,
): Markup {
  if (moment === null) return html`<span class="quiet">never</span>`
  const at = new Date(moment)
  const shown = zone ?? look.zone ?? 'UTC'
  return html`<time datetime="${at.toISOString()}" title="${`${agoWords(at, now)}; ${exact(at, shown)}`}"
    >${momentWords(at, shown)}</time
  >`
}

/** A day of a company's own calendar, `26 Nov 2026`. */
export function day(date: string | null): Markup {
  if (date === null) return html`<span class="quiet">–</span>`
  return html`<time datetime="${date}">${dayText(date)}</time>`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function dayText(date: string): string {
  const [year, month, dayOfMonth] = date.split('-')
  return `${Number(dayOfMonth)} ${MONTHS[Number(month) - 1] ?? month} ${year}`
}

function exact(at: Date, zone: string | null): string {
  const utc = `${at.toISOString().replace('T', ' ').replace('Z', '')} UTC`
  return zone === null || zone === 'UTC' ? utc : `${momentWords(at, zone)} ${zone}; ${utc}`
}
