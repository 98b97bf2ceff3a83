import { momentFrom } from '../../books/moment.ts'
import { changed, linkTo } from '../address.ts'
import type { PageContext } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { quickMoments, readingAt } from '../time/wall-clock.ts'
import { clock } from './time.ts'

/** One control for every page of data: any moment of the books. */
export function timeMachine(context: PageContext, timeZone: string | null): Markup {
  const { address, now, look, moment } = context
  const zone = timeZone ?? look.zone ?? 'UTC'
  const chosen = moment.asOf ?? moment.sourceAsOf
  return html`
    <details class="menu machine">
      <summary ${chosen !== null && html`class="on"`}>${chosen === null ? 'Now' : 'Then'}</summary>
      <div class="menu-body">
        <h2>Look at the books of</h2>
        <ul class="choices">
          ${chosen !== null && html`<li><a href="${presentOf(context)}">Now</a></li>`}
          ${quickMoments(now, zone).map(
            ({ label, asOf }) =>
              html`<li><a href="${changed(address, { asOf, sourceAsOf: null })}">${label}</a></li>`,
          )}
        </ul>
        <form action="/console/moment" class="stack">
          <input type="hidden" name="back" value="${changed(address, { asOf: null, sourceAsOf: null })}" />
          <label
            >Date and time
            <input
              type="datetime-local"
              name="at"
              step="1"
              required
              value="${readingAt(new Date(chosen ?? now), zone)}"
            />
          </label>
          <label
            >in the zone of
            <select name="zone">
              ${zonesOf(timeZone, look.zone).map(
                ({ name, label }) => html`<option value="${name}">${label}</option>`,
              )}
            </select>
          </label>
          <label
            >by the clock of
            <select name="clock">
              <option value="ours">this mirror: what it showed then</option>
              <option value="quickbooks" ${moment.sourceAsOf !== null && html`selected`}>
                QuickBooks: what was booked then
              </option>
            </select>
          </label>
          <button>Go there</button>
        </form>
      </div>
    </details>
  `
}

/** Cannot be overlooked: every number on the page is one of the past. */
export function momentBanner(context: PageContext, timeZone: string | null): Markup | null {
  const { asOf, sourceAsOf } = context.moment
  const chosen = asOf ?? sourceAsOf
  if (chosen === null) return null
  const zone = timeZone ?? context.look.zone ?? 'UTC'
  const since = momentFrom(chosen)
  return html`
    <aside class="then" aria-label="A moment of the past">
      <strong>${asOf === null ? 'As booked in QuickBooks at' : 'As this mirror showed it at'}</strong>
      <span>${clock(chosen, context, zone)} <small>${zone}</small></span>
      <a class="button" href="${presentOf(context)}">Back to now</a>
      <a href="${linkTo(context.address, changesPath(context), { asOf: null, sourceAsOf: null, since })}"
        >What changed between then and now</a
      >
    </aside>
  `
}

function presentOf({ address }: PageContext): string {
  return changed(address, { asOf: null, sourceAsOf: null })
}

/** The changes of the company that the page is about, or of all. */
function changesPath({ address }: PageContext): string {
  const [company] = /^\/console\/companies\/\d+/.exec(address.path) ?? []
  return company === undefined ? '/console/changes' : `${company}/changes`
}

function zonesOf(company: string | null, reader: string | null): { name: string; label: string }[] {
  const zones = [
    ...(company === null ? [] : [{ name: company, label: `the company, ${company}` }]),
    ...(reader === null ? [] : [{ name: reader, label: `this computer, ${reader}` }]),
    { name: 'UTC', label: 'UTC' },
  ]
  return zones.filter(({ name }, place) => zones.findIndex((zone) => zone.name === name) === place)
}
