import { html, type Markup } from '../html.ts'
import { amountText } from './money.ts'

/** Open amounts by how long they are overdue, as decimal text. */
export interface Ages {
  readonly current: string
  readonly days1To30: string
  readonly days31To60: string
  readonly days61To90: string
  readonly over90: string
}

export const AGES: readonly { readonly key: keyof Ages; readonly label: string }[] = [
  { key: 'current', label: 'not yet due' },
  { key: 'days1To30', label: '1–30 days' },
  { key: 'days31To60', label: '31–60' },
  { key: 'days61To90', label: '61–90' },
  { key: 'over90', label: 'over 90' },
]

/** A bar of five ages. What is negative has no length. */
export function agesBar(ages: Ages, currency: string): Markup {
  // Lengths on the screen need no cents.
  const lengths = AGES.map(({ key }) => Math.max(0, Number(ages[key])))
  const whole = lengths.reduce((sum, length) => sum + length, 0)
  const words = AGES.map(({ key, label }) => `${label} ${amountText(ages[key], currency)}`).join(', ')
  let from = 0
  return html`<svg
    class="ages"
    viewBox="0 0 1000 8"
    preserveAspectRatio="none"
    role="img"
    aria-label="${words}"
  >
    <title>${words}</title>
    ${lengths.map((length, place) => {
      const width = whole === 0 ? 0 : Math.round((length / whole) * 1000)
      const bar = html`<rect class="age-${place + 1}" x="${from}" width="${width}" height="8"></rect>`
      from += width
      return bar
    })}
  </svg>`
}

export function agesLegend(): Markup {
  return html`<ul class="legend" aria-label="Ages">
    ${AGES.map(
      ({ label }, place) =>
        html`<li>
          <svg class="ages" viewBox="0 0 8 8" aria-hidden="true">
            <rect class="age-${place + 1}" width="8" height="8"></rect></svg
          >${label}
        </li>`,
    )}
  </ul>`
}
