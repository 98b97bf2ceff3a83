import { changed, type Address } from '../address.ts'
import { html, type Child, type Markup } from '../html.ts'

export interface Column<Row> {
  readonly label: string
  /** The word of `sort=`, where the list can be sorted by it. */
  readonly sort?: string
  readonly isNumber?: boolean
  /** Left out on a phone. */
  readonly folds?: boolean
  readonly cell: (row: Row) => Child
}

export interface TableOptions<Row> {
  /** What the table is, for those who hear it. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly isGone?: (row: Row) => boolean
  /** Rows of sums below. */
  readonly sums?: readonly Markup[]
  /** Where the columns lead that it can be sorted by; null: nowhere. */
  readonly address: Address | null
  /** The sort in force, `-` in front for descending. */
  readonly sort?: string
}

/** The one table: its first column names the row. */
export function table<Row>({
  caption,
  columns,
  rows,
  isGone,
  sums = [],
  address,
  sort,
}: TableOptions<Row>): Markup {
  const classes = ({ isNumber, folds }: Column<Row>) =>
    [isNumber === true && 'number', folds === true && 'fold'].filter((name) => name !== false).join(' ')
  return html`<div class="table">
    <table>
      <caption class="visually-hidden">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map((column) => heading(column, classes(column), address, sort))}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr ${isGone?.(row) === true && html`class="gone"`}>
              ${columns.map((column, place) =>
                place === 0
                  ? html`<th scope="row" class="${classes(column)}">${column.cell(row)}</th>`
                  : html`<td class="${classes(column)}">${column.cell(row)}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
      ${
        sums.length > 0 &&
        html`<tfoot>
          ${sums}
        </tfoot>`
      }
    </table>
  </div>`
}

function heading<Row>(column: Column<Row>, classes: string, address: Address | null, sort = ''): Markup {
  const { label, sort: word, isNumber } = column
  if (word === undefined || address === null) return html`<th scope="col" class="${classes}">${label}</th>`
  const isUp = sort === word
  const isDown = sort === `-${word}`
  // Amounts are looked at from the largest, names from A.
  const next = isUp ? `-${word}` : isDown ? word : isNumber === true ? `-${word}` : word
  const order = isUp ? 'ascending' : 'descending'
  return html`<th scope="col" class="${classes}" ${(isUp || isDown) && html`aria-sort="${order}"`}>
    <a href="${changed(address, { sort: next })}">${label}${isUp ? ' ↑' : isDown ? ' ↓' : ''}</a>
  </th>`
}
