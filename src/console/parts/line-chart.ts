import { html, type Child, type Markup } from '../html.ts'
import { amountText } from './money.ts'
import { table } from './table.ts'

export interface LineChart {
  readonly caption: string
  /** Days, `YYYY-MM-DD`, or moments. */
  readonly labels: readonly string[]
  /** What the table calls a label, and how it says one; as it is where nothing else is said. */
  readonly step?: { readonly name: string; readonly words: (label: string) => Child }
  /** Whether the values are numbers of things; amounts otherwise. */
  readonly isCount?: boolean
  /** Decimal text; null where nothing is known. */
  readonly series: readonly { readonly label: string; readonly values: readonly (string | null)[] }[]
}

/** Lines over days, drawn by the browser; the table below says the same to those who hear it or have no script. */
export function lineChart({
  caption,
  labels,
  series,
  step = { name: 'Day', words: (label) => label },
  isCount = false,
}: LineChart): Markup | null {
  const known = series.some(({ values }) => values.some((value) => value !== null))
  if (labels.length === 0 || !known) return html`<p class="quiet">Nothing is known of this time yet.</p>`
  // Positions on the screen need no cents.
  const drawn = JSON.stringify({
    labels,
    decimals: isCount ? 0 : 2,
    series: series.map(({ label, values }) => ({
      label,
      values: values.map((value) => (value === null ? null : Number(value))),
    })),
  })
  return html`<figure>
    <div class="chart" data-chart="${drawn}" aria-hidden="true"></div>
    <details class="figures-table">
      <summary>As a table</summary>
      ${table<string>({
        caption,
        address: null,
        rows: labels,
        columns: [
          { label: step.name, cell: step.words },
          ...series.map(({ label, values }) => ({
            label,
            isNumber: true,
            cell: (day: string) => {
              const value = values[labels.indexOf(day)] ?? null
              if (value === null) return '–'
              return isCount ? Number(value).toLocaleString('en') : amountText(value, null)
            },
          })),
        ],
      })}
    </details>
  </figure>`
}
