import type { ListedChange } from '../../books/changes/listed-change.ts'
import { linkTo } from '../address.ts'
import { clientColumn } from '../client.ts'
import type { PageContext } from '../context.ts'
import { ENTITY_WORDS, recordPath } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import { changeMark } from '../parts/change-mark.ts'
import { amountText, money } from '../parts/money.ts'
import { table } from '../parts/table.ts'
import { ago, day } from '../parts/time.ts'
import { durationWords } from '../time/time-words.ts'

/** @param names of the companies by realm id; null where they are all of one. */
export function changeTable(
  changes: readonly ListedChange[],
  names: ReadonlyMap<string, string> | null,
  context: PageContext,
): Markup {
  const { address } = context
  return table<ListedChange>({
    caption: 'Changes, newest first',
    address: null,
    rows: changes,
    columns: [
      { label: 'Record', cell: (row) => recordLink(row, context) },
      ...(names === null ? [] : [clientColumn<ListedChange>(names, address)]),
      { label: 'What changed', cell: ({ change, summary }) => html`${changeMark(change)} ${summary}` },
      { label: 'Party', folds: true, cell: ({ counterparty }) => counterparty },
      { label: 'Amount', isNumber: true, cell: amountMoved },
      { label: 'Dated', folds: true, cell: ({ txnDate }) => day(txnDate) },
      { label: 'Seen', cell: (row) => seen(row, context) },
    ],
  })
}

/** The record as this version has it. */
function recordLink(
  { realmId, entity, qboId, docNumber, name, validFrom }: ListedChange,
  { address }: PageContext,
): Markup {
  const href = linkTo(address, recordPath(realmId, entity, qboId), { asOf: validFrom, sourceAsOf: null })
  const { one } = ENTITY_WORDS[entity]
  return html`<a href="${href}">${name ?? `${one} ${docNumber ?? `#${qboId}`}`}</a>`
}

function amountMoved({ totalAmount, balance, currency, entity }: ListedChange): Markup | null {
  const { before, after } = entity === 'balance' || totalAmount.after === null ? balance : totalAmount
  if (after === null) return null
  if (before === null || before === after) return money(after, currency)
  return html`<span class="nowrap"
    ><del>${amountText(before, currency)}</del> → ${money(after, currency)}</span
  >`
}

/** When we saw it, and how long after QuickBooks had it. */
function seen({ validFrom, sourceValidFrom }: ListedChange, context: PageContext): Markup {
  const delay = (Date.parse(validFrom) - sourceValidFrom.getTime()) / 1000
  return html`${ago(validFrom, context)}${delay >= 1 && html` <small class="quiet">after ${durationWords(delay)}</small>`}`
}
