import type { Entity } from '../domain/entity.ts'
import { PARTIES } from './record-row.ts'

export const SORTS = [
  'dueDate',
  'txnDate',
  'totalAmount',
  'balance',
  'counterparty',
  'docNumber',
  'changed',
  'qboId',
] as const

export type Sort = (typeof SORTS)[number]

/** Ties go by id as text, in the same direction. */
export interface Order {
  readonly by: Sort
  readonly descending: boolean
}

/** What a list is sorted by: an expression over `d`, and over `p` if it needs the party. */
export interface SortKey {
  readonly sql: string
  readonly type: 'text' | 'date' | 'numeric' | 'timestamptz'
  /** Records without a value come last in both directions. */
  readonly nullable: boolean
  readonly needsParty: boolean
}

/** The sort keys of each entity's list. */
export function sortsOf(entity: Entity): readonly Sort[] {
  return SORTS.filter((sort) => sortKey(entity, sort) !== null)
}

/** Null when records of the entity have no such value. */
export function sortKey(entity: Entity, sort: Sort): SortKey | null {
  if (sort === 'qboId') return key('d.qbo_id', 'text')
  if (sort === 'changed') return key('d.valid_from', 'timestamptz')
  switch (entity) {
    case 'bill':
    case 'invoice':
      return documentKey(entity, sort)
    case 'balance':
      return sort === 'balance' ? key('d.current_balance', 'numeric', { nullable: true }) : null
    case 'vendor':
    case 'customer':
      return sort === 'counterparty' ? key('d.display_name', 'text') : null
  }
}

function documentKey(entity: 'bill' | 'invoice', sort: Exclude<Sort, 'qboId' | 'changed'>): SortKey {
  switch (sort) {
    case 'dueDate':
      return key('d.due_date', 'date', { nullable: true })
    case 'txnDate':
      return key('d.txn_date', 'date')
    case 'totalAmount':
      return key('d.total_amount', 'numeric')
    case 'balance':
      return key('d.balance', 'numeric')
    case 'docNumber':
      return key('d.doc_number', 'text', { nullable: true })
    case 'counterparty':
      return key(partyName(entity), 'text', { nullable: true, needsParty: true })
  }
}

/** The name of a record's counterparty over `d` and `p`. */
export function partyName(entity: Entity): string {
  const party = PARTIES[entity]
  return party ? `coalesce(p.display_name, d.${party.name})` : 'd.display_name'
}

function key(
  sql: string,
  type: SortKey['type'],
  { nullable = false, needsParty = false }: Partial<Pick<SortKey, 'nullable' | 'needsParty'>> = {},
): SortKey {
  return { sql, type, nullable, needsParty }
}
