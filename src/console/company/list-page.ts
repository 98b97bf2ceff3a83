import type { Request } from 'express'
import { z } from 'zod'
import { statusesOf } from '../../books/list-filters.ts'
import { LISTS } from '../../books/lists.ts'
import { readList, type ListAnswer } from '../../books/read-list.ts'
import { readTotals, type Total } from '../../books/read-totals.ts'
import type { ShownRecord } from '../../books/shown-record.ts'
import { companyDay } from '../../domain/company-time.ts'
import type { Entity } from '../../domain/entity.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import { showCompany } from '../../http/companies/show-company.ts'
import { realmId } from '../../http/request/fields.ts'
import { readForm, readParams } from '../../http/request/validate.ts'
import type { PageContext } from '../context.ts'
import { csvPath } from '../csv.ts'
import { companyPath, ENTITY_WORDS, SHOWN_ENTITIES } from '../entities.ts'
import { html, type Child, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { choiceField, filterForm, textField } from '../parts/forms.ts'
import { money } from '../parts/money.ts'
import { pager } from '../parts/pager.ts'
import { table } from '../parts/table.ts'
import { companyPage } from './company-frame.ts'
import { columnsOf } from './list-columns.ts'
import { addListSheet } from './list-sheet.ts'
import { listForm, USUAL_SORT } from './list-form.ts'
import { nothingYet } from './nothing-yet.ts'

const PARAMS = z.strictObject({ realmId })

/** The five lists of a company's records, with their filters, sorts and sums. */
export function addListPages(pages: Pages, options: ConsoleOptions): void {
  for (const entity of SHOWN_ENTITIES) addListPage(pages, options, entity)
}

function addListPage(pages: Pages, options: ConsoleOptions, entity: Entity): void {
  const schema = listForm(entity)
  addPage(pages, companyPath(':realmId', LISTS[entity]), async (request, context) => {
    const { realmId } = readParams(request, PARAMS)
    const company = await showCompany(options, realmId)
    const body = await listBody(options, { entity, realmId, request, context, schema }, company.timeZone)
    return companyPage(company, context, { tab: LISTS[entity], body, isLive: true })
  })
  addListSheet(pages, options, entity)
}

interface Asked {
  readonly entity: Entity
  readonly realmId: string
  readonly request: Request
  readonly context: PageContext
  readonly schema: ReturnType<typeof listForm>
}

async function listBody(
  options: ConsoleOptions,
  { entity, realmId, request, context, schema }: Asked,
  timeZone: string | null,
): Promise<Child> {
  const { limit, cursor, sort, expand: _, asOf, sourceAsOf, ...filters } = readForm(request, schema)
  const moment = { asOf, sourceAsOf }
  try {
    const answer = await readList(options, {
      ...{ realmId, entity, moment, filters, order: sort, cursor, limit },
      withLines: false,
    })
    const day = companyDay(new Date(sourceAsOf ?? asOf ?? context.now), timeZone)
    // The sums are of the whole list: they stand on its first page.
    const totals =
      cursor === null
        ? await readTotals(options.database, { realmId, entity, moment, today: day }, filters)
        : null
    return html`<section class="sheet flush">
      ${filtersOf(entity, context)}
      ${answer.data.length === 0 ? nothing(entity, context) : records(entity, answer, totals, context)}
      ${pager(context.address, answer.nextCursor)}
    </section>`
  } catch (thrown) {
    if (thrown instanceof LedgerError && thrown.code === 'never_synced') return nothingYet(thrown.message)
    throw thrown
  }
}

function records(
  entity: Entity,
  { data }: ListAnswer,
  totals: readonly Total[] | null,
  context: PageContext,
): Markup {
  const columns = columnsOf(entity, context)
  return table<ShownRecord>({
    caption: ENTITY_WORDS[entity].many,
    columns,
    rows: data,
    isGone: ({ deletedAt }) => deletedAt !== null,
    address: context.address,
    sort: context.address.query.get('sort') ?? USUAL_SORT[entity],
    sums: (totals ?? []).map((total) => sumRow(entity, total, columns.length)),
  })
}

function sumRow(entity: Entity, { currency, count, totalAmount, balance }: Total, columns: number): Markup {
  const words = `${count.toLocaleString('en')} ${(count === 1 ? ENTITY_WORDS[entity].one : ENTITY_WORDS[entity].many).toLowerCase()}`
  if (totalAmount === null) {
    return html`<tr>
      <th scope="row" colspan="${columns}">${words}${currency !== null && ` in ${currency}`}</th>
    </tr>`
  }
  // Total and open are the last two columns but one.
  return html`<tr>
    <th scope="row" colspan="2">${words}</th>
    <td colspan="${columns - 5}" class="fold"></td>
    <td class="number fold">${money(totalAmount, currency)}</td>
    <td class="number">${money(balance, currency)}</td>
    <td></td>
  </tr>`
}

const DOCUMENT_FILTERS = [
  'status',
  'counterparty',
  'docNumber',
  'dueFrom',
  'dueTo',
  'txnFrom',
  'txnTo',
  'currency',
  'minBalance',
  'includeDeleted',
] as const

function filtersOf(entity: Entity, { address }: PageContext): Markup {
  const deleted = choiceField(address, 'includeDeleted', 'Deleted', [
    ['', 'left out'],
    ['true', 'shown struck through'],
  ])
  const currency = textField(address, 'currency', 'Currency', { size: 4 })
  const csv = html`<a class="button push" href="${csvPath(address)}">CSV</a>`
  if (entity !== 'bill' && entity !== 'invoice') {
    const isParty = entity !== 'balance'
    return filterForm(
      address,
      ['counterparty', 'currency', 'minBalance', 'includeDeleted'],
      html`${isParty ? textField(address, 'counterparty', 'Name') : textField(address, 'minBalance', 'Balance from', { type: 'number', size: 8 })}
      ${currency} ${deleted}`,
      csv,
    )
  }
  return filterForm(
    address,
    DOCUMENT_FILTERS,
    html`${choiceField(address, 'status', 'Status', [
      ['', 'any'],
      ...statusesOf(entity).map((status) => [status, status] as const),
    ])}
    ${textField(address, 'counterparty', entity === 'bill' ? 'Vendor' : 'Customer')}
    ${textField(address, 'docNumber', 'Number', { size: 8 })}
    ${textField(address, 'dueFrom', 'Due from', { type: 'date' })}
    ${textField(address, 'dueTo', 'to', { type: 'date' })}
    ${textField(address, 'txnFrom', 'Dated from', { type: 'date' })}
    ${textField(address, 'txnTo', 'to', { type: 'date' })} ${currency}
    ${textField(address, 'minBalance', 'Open from', { type: 'number', size: 8 })} ${deleted}`,
    csv,
  )
}

function nothing(entity: Entity, { address, moment }: PageContext): Markup {
  const filtered = [...address.query.keys()].some(
    (name) => !['asOf', 'sourceAsOf', 'sort', 'limit'].includes(name) && address.query.get(name) !== '',
  )
  const what = ENTITY_WORDS[entity].many.toLowerCase()
  const then = moment.asOf !== null || moment.sourceAsOf !== null
  return html`<div class="empty">
    <p class="lead">
      ${filtered ? `No ${what} match these filters.` : `There ${then ? 'were' : 'are'} no ${what}.`}
    </p>
    ${filtered && html`<a class="button" href="${address.path}">Show all</a>`}
  </div>`
}
