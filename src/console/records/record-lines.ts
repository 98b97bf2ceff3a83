import { numberWords } from '../../books/versions/plain-words.ts'
import type { ShownRecord } from '../../books/shown-record.ts'
import { html, type Child, type Markup } from '../html.ts'
import { money } from '../parts/money.ts'
import { table } from '../parts/table.ts'

/** A line as the API shows it: QuickBooks' members in camelCase, numbers as decimal text. */
interface Line {
  readonly id?: string
  readonly description?: string
  readonly amount?: string
  readonly detailType?: string
  readonly [member: string]: unknown
}

/** What a bill or an invoice is made up of. */
export function recordLines(shown: ShownRecord): Markup | null {
  if (!('docNumber' in shown)) return null
  const lines = (shown.lines ?? []) as readonly Line[]
  const { currency } = shown
  if (lines.length === 0) return html`<p class="quiet">It has no lines.</p>`
  return html`<section class="sheet flush">
    <h3>Lines</h3>
    ${table<Line>({
      caption: 'Lines',
      address: null,
      rows: lines,
      columns: [
        { label: 'Line', cell: ({ id }) => id ?? '–' },
        { label: 'Description', cell: ({ description, detailType }) => description ?? kindWords(detailType) },
        { label: 'Item or account', cell: (line) => filedUnder(line) },
        { label: 'For', folds: true, cell: (line) => reference(detailOf(line)['customerRef']) },
        { label: 'Quantity', isNumber: true, folds: true, cell: (line) => number(detailOf(line)['qty']) },
        { label: 'Rate', isNumber: true, folds: true, cell: (line) => number(detailOf(line)['unitPrice']) },
        { label: 'Amount', isNumber: true, cell: ({ amount }) => money(amount ?? null, currency) },
      ],
    })}
  </section>`
}

/** The part of a line that is called after its kind. */
function detailOf(line: Line): Readonly<Record<string, unknown>> {
  const { detailType } = line
  const name = detailType === undefined ? '' : detailType.charAt(0).toLowerCase() + detailType.slice(1)
  return (line[name] as Readonly<Record<string, unknown>> | undefined) ?? {}
}

function filedUnder(line: Line): Child {
  const detail = detailOf(line)
  return (
    reference(detail['itemRef']) ?? reference(detail['accountRef']) ?? reference(detail['itemAccountRef'])
  )
}

function reference(value: unknown): string | null {
  const { name, value: id } = (value ?? {}) as { name?: string; value?: string }
  return name ?? (id === undefined ? null : `#${id}`)
}

function number(value: unknown): string | null {
  return typeof value === 'string' ? numberWords(value) : null
}

function kindWords(detailType: string | undefined): string | null {
  return detailType === 'SubTotalLineDetail' ? 'Subtotal' : null
}
