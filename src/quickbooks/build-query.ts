import { LedgerError } from '../domain/ledger-error.ts'
import type { Entity } from '../domain/entity.ts'
import { MAPPERS } from './registry.ts'

/** The most rows that QuickBooks serves in one page; its default is 100. */
export const PAGE_ROWS = 1_000

export type SortField = 'CreateTime' | 'LastUpdatedTime'

export interface ListingSlice {
  readonly field: SortField
  /** ISO 8601, inclusive; null for all. */
  readonly since: string | null
  /** Rows to skip. */
  readonly offset: number
  readonly rows: number
}

/**
 * The conditions that follow `select * from <entity>`, which node-quickbooks puts in front; it also percent-encodes
 * them. Inactive rows of a list are served only when the query mentions `Active`.
 */
export function listingQuery(entity: Entity, { field, since, offset, rows }: ListingSlice): string {
  const sinceCondition = since === null ? [] : [`MetaData.${field} >= ${literal(since)}`]
  const where = whereOf([...activeCondition(entity), ...sinceCondition])
  return `${where} ORDERBY MetaData.${field} STARTPOSITION ${offset + 1} MAXRESULTS ${rows}`.trimStart()
}

export function idsQuery(entity: Entity, ids: readonly string[]): string {
  const where = whereOf([...activeCondition(entity), `Id IN (${ids.map(literal).join(',')})`])
  return `${where} STARTPOSITION 1 MAXRESULTS ${PAGE_ROWS}`
}

export function countQuery(entity: Entity): string {
  return whereOf(activeCondition(entity))
}

/**
 * A text as a literal of the query language: backslashes are doubled, apostrophes escaped with one.
 *
 * @throws LedgerError `internal` for control characters, which the URL would silently lose.
 */
export function literal(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    throw new LedgerError('internal', 'a literal of a query must not hold control characters')
  }
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function activeCondition(entity: Entity): string[] {
  return MAPPERS[entity].hasActive ? ['Active IN (true,false)'] : []
}

function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
}
