import type { Address } from '../address.ts'
import { html, type Markup } from '../html.ts'

/** What the table can show beside the client, in its order. */
export const COLUMNS = ['state', 'fresh', 'cash', 'receivables', 'overdue', 'payables', 'changed'] as const

export type ColumnName = (typeof COLUMNS)[number]

export const COLUMN_WORDS: Readonly<Record<ColumnName, string>> = {
  state: 'State',
  fresh: 'Fresh',
  cash: 'Cash',
  receivables: 'Receivables',
  overdue: 'Overdue',
  payables: 'Payables',
  changed: 'Changed in 24 h',
}

/** Which columns are shown, kept in the address like everything else of the view. */
export function columnForm({ path, query }: Address): Markup {
  const chosen = query.getAll('columns')
  const kept = [...query].filter(([name]) => name !== 'columns' && name !== 'page')
  return html`<details class="menu">
    <summary class="button">Columns</summary>
    <form class="menu-body stack" action="${path}">
      ${kept.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
      ${COLUMNS.map(
        (column) =>
          html`<label
            ><input
              type="checkbox"
              name="columns"
              value="${column}"
              ${(chosen.length === 0 || chosen.includes(column)) && html`checked`}
            />
            ${COLUMN_WORDS[column]}</label
          >`,
      )}
      <button>Show these</button>
    </form>
  </details>`
}
