import { enveloped, faultMember, Refusal } from './answer.ts'
import type { Answer } from './answer.ts'
import { companyInfoText, preferencesText } from './company-info.ts'
import type { CompanyState } from './company-state.ts'
import { objectNotFound, queryParserError, queryValidationError } from './fault-bodies.ts'
import { shelfAsOf } from './past.ts'
import { parseQuery, QueryParserError } from './query-parser.ts'
import type { Query } from './query-parser.ts'
import { findRows, QueryValidationError } from './query-run.ts'
import type { Random } from './random.ts'
import { servedText, wayOf } from './served-text.ts'
import type { Entry, Shelf } from './shelf.ts'
import type { ReadTrouble } from './trouble.ts'
import { ENTITIES } from './wire.ts'
import type { EntityName } from './wire.ts'

/** Entities that QuickBooks has and these companies have none of. */
const WITHOUT_RECORDS = [
  'CreditMemo',
  'Deposit',
  'Estimate',
  'Item',
  'JournalEntry',
  'Purchase',
  'RefundReceipt',
  'SalesReceipt',
  'Transfer',
  'VendorCredit',
]

/** The canonical name, whatever the case it is asked for in; null for one that QuickBooks does not have. */
export function entityNamed(name: string): string | null {
  const all = [...ENTITIES, 'CompanyInfo', 'Preferences', ...WITHOUT_RECORDS]
  return all.find((known) => known.toLowerCase() === name.toLowerCase()) ?? null
}

export function isKept(entity: string): entity is EntityName {
  return (ENTITIES as readonly string[]).includes(entity)
}

/** The answer to a query. Throws Refusal with fault 4000 or 4001, or 10000 when the page is poisoned. */
export function answerQuery(
  state: CompanyState,
  statement: string,
  nowMs: number,
  trouble: ReadTrouble,
): Answer {
  return enveloped(200, `"QueryResponse":${queryResponse(state, statement, nowMs, trouble)}`, nowMs)
}

/** The QueryResponse object alone, as it also stands in a batch. */
export function queryResponse(
  state: CompanyState,
  statement: string,
  nowMs: number,
  trouble: ReadTrouble,
): string {
  try {
    const query = parseQuery(statement)
    const entity = entityNamed(query.entity)
    if (entity === null) throw new QueryValidationError(`Entity ${query.entity} not found`)
    if (trouble.isFaulty(entity)) return `{${faultMember(GROUP_FAULT)}}`
    return isKept(entity)
      ? rowsResponse(state, query, entity, nowMs, trouble)
      : singleResponse(state, query, entity)
  } catch (error) {
    if (error instanceof QueryParserError) throw new Refusal(queryParserError(error.message, nowMs))
    if (error instanceof QueryValidationError) throw new Refusal(queryValidationError(error.message, nowMs))
    throw error
  }
}

export const GROUP_FAULT = {
  type: 'SystemFault',
  code: '10000',
  message: 'An application error has occurred while processing your request',
  detail: 'System Failure Error: this part of the request could not be processed',
} as const

/** One record by its Id. Throws Refusal with fault 610. */
export function answerRead(
  state: CompanyState,
  entity: EntityName,
  id: string,
  nowMs: number,
  trouble: ReadTrouble,
): Answer {
  const entry = viewOf(state, entity, nowMs, trouble).get(id)
  if (!entry) throw new Refusal(objectNotFound(nowMs))
  refusePoison(entity, [entry], trouble)
  return enveloped(200, `"${entity}":${servedText(entity, entry.text, 'id')}`, nowMs)
}

export function answerCompanyInfo(state: CompanyState, nowMs: number): Answer {
  return enveloped(200, `"CompanyInfo":${companyInfoText(state)}`, nowMs)
}

export function answerPreferences(state: CompanyState, nowMs: number): Answer {
  return enveloped(200, `"Preferences":${preferencesText(state)}`, nowMs)
}

export function viewOf(
  state: CompanyState,
  entity: EntityName,
  nowMs: number,
  { lagMs }: ReadTrouble,
): Shelf {
  return lagMs === 0 ? state.shelves[entity] : shelfAsOf(state, entity, nowMs - lagMs)
}

/** One record that QuickBooks cannot read fails the whole answer that would hold it. */
export function refusePoison(entity: EntityName, rows: readonly Entry[], trouble: ReadTrouble): void {
  for (const { id } of rows) {
    const refusal = trouble.refusalFor(entity, id)
    if (refusal) throw new Refusal(refusal)
  }
}

function rowsResponse(
  state: CompanyState,
  query: Query,
  entity: EntityName,
  nowMs: number,
  trouble: ReadTrouble,
): string {
  const found = findRows(query, entity, viewOf(state, entity, nowMs, trouble))
  if (query.count) return `{"totalCount":${found.length}}`
  const rows = trouble.scramble ? scrambled(found, query, trouble.scramble) : found
  const from = query.startPosition - 1
  const page = rows.slice(from, from + query.maxResults + trouble.extraRows)
  const served = page.slice(0, Math.max(0, page.length - trouble.missingRows))
  refusePoison(entity, served, trouble)
  if (served.length === 0) return '{}'
  const way = wayOf(query.where)
  const texts = served.map(({ text }) => servedText(entity, text, way)).join(',')
  // totalCount appears on some selects only; here on those that one page answers.
  const total = from === 0 && found.length === served.length ? `,"totalCount":${found.length}` : ''
  return `{"${entity}":[${texts}],"startPosition":${query.startPosition},"maxResults":${served.length}${total}}`
}

/** CompanyInfo and Preferences ignore paging: every page holds the one object. */
function singleResponse(state: CompanyState, query: Query, entity: string): string {
  if (entity !== 'CompanyInfo' && entity !== 'Preferences') return query.count ? '{"totalCount":0}' : '{}'
  if (query.count) return '{"totalCount":1}'
  const text = entity === 'CompanyInfo' ? companyInfoText(state) : preferencesText(state)
  return `{"${entity}":[${text}],"maxResults":1}`
}

/** Shuffles rows that share the first sort key, which no order was promised for. */
function scrambled(rows: readonly Entry[], query: Query, random: Random): Entry[] {
  const property = query.orderBy[0]?.property.toLowerCase()
  const key =
    property === 'metadata.createtime'
      ? 'createdMs'
      : property === 'metadata.lastupdatedtime'
        ? 'updatedMs'
        : null
  if (query.orderBy.length !== 1 || key === null) return [...rows]
  const groups: Entry[][] = []
  for (const row of rows) {
    const group = groups.at(-1)
    if (group?.[0]?.[key] === row[key]) group?.push(row)
    else groups.push([row])
  }
  return groups.flatMap((group) => random.shuffle(group))
}
