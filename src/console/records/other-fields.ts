import { splitWords } from '../../books/versions/plain-words.ts'
import { leafText, referenceText } from '../../books/versions/telling.ts'
import type { ShownRecord } from '../../books/shown-record.ts'
import type { Entity } from '../../domain/entity.ts'
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../domain/parse-json.ts'
import { linkTo } from '../address.ts'
import type { PageContext } from '../context.ts'
import { recordPath } from '../entities.ts'
import { html, type Child, type Markup } from '../html.ts'

/** What it is paid by and belongs to, the notes on it, and how it is filed. */
export function otherFields(
  entity: Entity,
  shown: ShownRecord,
  raw: JsonObject,
  context: PageContext,
): Markup | null {
  const rows = [
    ...linkedRows(shown, raw, context),
    ...noteRows(raw),
    ...filingRows(entity, shown, raw, context),
  ]
  if (rows.length === 0) return null
  return html`<section class="sheet">
    <h3>Links and notes</h3>
    <dl class="facts">
      ${rows.map(
        ([label, value]) =>
          html`<dt>${label}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
  </section>`
}

type Row = readonly [label: string, value: Child]

const MIRRORED: Readonly<Record<string, 'bill' | 'invoice'>> = { Bill: 'bill', Invoice: 'invoice' }

function linkedRows({ realmId }: ShownRecord, raw: JsonObject, { address }: PageContext): Row[] {
  const linked = isJsonArray(raw['LinkedTxn']) ? raw['LinkedTxn'] : []
  return linked.filter(isJsonObject).map((txn): Row => {
    const kind = leafText(txn['TxnType']) ?? 'Transaction'
    const id = leafText(txn['TxnId']) ?? ''
    const entity = MIRRORED[kind]
    const words = `${kind.replace(/(?<=[a-z])(?=[A-Z])/g, ' ')} #${id}`
    return [
      'Linked to',
      entity === undefined
        ? words
        : html`<a href="${linkTo(address, recordPath(realmId, entity, id))}">${words}</a>`,
    ]
  })
}

function noteRows(raw: JsonObject): Row[] {
  const memo = isJsonObject(raw['CustomerMemo']) ? raw['CustomerMemo']['value'] : raw['CustomerMemo']
  return rowsOf([
    ['Memo', leafText(raw['PrivateNote'])],
    ['Message to the customer', leafText(memo)],
    ['Notes', leafText(raw['Notes'])],
    ['Description', leafText(raw['Description'])],
  ])
}

function filingRows(entity: Entity, shown: ShownRecord, raw: JsonObject, { address }: PageContext): Row[] {
  const email = isJsonObject(raw['BillEmail']) ? leafText(raw['BillEmail']['Address']) : null
  return [
    ...rowsOf([
      ['Terms', named(raw['SalesTermRef'] ?? raw['TermRef'])],
      ['Payable account', named(raw['APAccountRef'])],
      ['Receivable account', named(raw['ARAccountRef'])],
      ['Class', named(raw['ClassRef'])],
      ['Location', named(raw['DepartmentRef'])],
      ['Sent to', email],
      ['E-mail', 'emailStatus' in shown ? emailWords(shown.emailStatus) : null],
    ]),
    ...(entity === 'vendor' || entity === 'customer' ? [documentsOf(entity, shown, address)] : []),
  ]
}

function documentsOf(
  entity: 'vendor' | 'customer',
  { realmId, qboId }: ShownRecord,
  address: PageContext['address'],
): Row {
  const list = entity === 'vendor' ? 'bills' : 'invoices'
  const to = (status: string | null) =>
    linkTo(address, `/console/companies/${realmId}/${list}`, { counterpartyId: qboId, status })
  return ['Documents', html`<a href="${to(null)}">All ${list}</a>, <a href="${to('open')}">open ones</a>`]
}

function named(value: Json | undefined): string | null {
  return isJsonObject(value) ? (leafText(value['name']) ?? referenceText(value)) : null
}

function rowsOf(pairs: readonly (readonly [string, string | null])[]): Row[] {
  return pairs.filter(([, value]) => value !== null && value !== '')
}

function emailWords(status: string | null): string | null {
  return status === null || status === 'NotSet' ? null : splitWords(status)
}
