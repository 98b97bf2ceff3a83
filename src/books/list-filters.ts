import type { Entity } from '../domain/entity.ts'
import { partyName } from './list-order.ts'
import { named } from './list-parties.ts'
import { PARTIES, type Bindings } from './record-row.ts'

/** What a list can be filtered by. Days are `YYYY-MM-DD`, amounts decimal text. */
export interface Filters {
  readonly status?: string | undefined
  readonly dueFrom?: string | undefined
  readonly dueTo?: string | undefined
  /** Exclusive: the day itself is left out. */
  readonly dueBefore?: string | undefined
  readonly dueAfter?: string | undefined
  readonly txnFrom?: string | undefined
  readonly txnTo?: string | undefined
  /** A part of the counterparty's name, case-insensitive. */
  readonly counterparty?: string | undefined
  readonly counterpartyId?: string | undefined
  readonly docNumber?: string | undefined
  readonly currency?: string | undefined
  readonly minBalance?: string | undefined
  /** By our clock: versions that began at this moment or later. */
  readonly changedSince?: string | undefined
  readonly includeDeleted?: boolean | undefined
}

export type FilterName = keyof Filters

const OF_DOCUMENTS = [
  'status',
  'dueFrom',
  'dueTo',
  'dueBefore',
  'dueAfter',
  'txnFrom',
  'txnTo',
  'counterparty',
  'counterpartyId',
  'docNumber',
  'currency',
  'minBalance',
  'changedSince',
  'includeDeleted',
] as const satisfies readonly FilterName[]

/** The filters that each entity's list supports. */
export function filtersOf(entity: Entity): readonly FilterName[] {
  switch (entity) {
    case 'bill':
    case 'invoice':
      return OF_DOCUMENTS
    case 'balance':
      return ['currency', 'minBalance', 'changedSince', 'includeDeleted']
    case 'vendor':
    case 'customer':
      return ['counterparty', 'currency', 'changedSince', 'includeDeleted']
  }
}

/**
 * The values of `status`, as SQL, written so that Postgres recognises the condition of the index on open documents. The
 * filter `open` includes overdue documents, though each document shows the more specific word; none includes deleted
 * ones.
 */
const STATUSES: { readonly [Of in Entity]: Readonly<Record<string, string>> } = {
  bill: {
    open: 'd.balance <> 0 AND d.deleted_at IS NULL',
    paid: 'd.balance = 0 AND d.deleted_at IS NULL',
    overdue: 'd.balance <> 0 AND d.deleted_at IS NULL AND d.due_date < CAST(:today AS date)',
  },
  invoice: {
    open: 'd.balance <> 0 AND d.deleted_at IS NULL AND NOT d.voided',
    paid: 'd.balance = 0 AND d.deleted_at IS NULL AND NOT d.voided',
    overdue: 'd.balance <> 0 AND d.deleted_at IS NULL AND NOT d.voided AND d.due_date < CAST(:today AS date)',
    voided: 'd.voided AND d.deleted_at IS NULL',
  },
  balance: {},
  vendor: {},
  customer: {},
}

export function statusesOf(entity: Entity): readonly string[] {
  return Object.keys(STATUSES[entity])
}

export interface Narrowed {
  /** SQL over `d`, and over `p` if it needs the party. */
  readonly conditions: readonly string[]
  readonly bindings: Bindings
  readonly needsParty: boolean
}

/** The filters as SQL conditions. Only those that the entity supports may be set. */
export function narrow(entity: Entity, filters: Filters): Narrowed {
  const { status, includeDeleted = false, ...others } = filters
  const set = Object.entries(others).filter(([, value]) => value !== undefined) as [
    keyof typeof others,
    string,
  ][]
  return {
    conditions: [
      ...(includeDeleted || status !== undefined ? [] : ['d.deleted_at IS NULL']),
      ...(status === undefined ? [] : [STATUSES[entity][status]!]),
      ...set.map(([name]) => condition(entity, name)),
    ],
    bindings: Object.fromEntries(set),
    needsParty: filters.counterparty !== undefined && PARTIES[entity] !== null,
  }
}

function condition(entity: Entity, name: Exclude<FilterName, 'status' | 'includeDeleted'>): string {
  switch (name) {
    case 'dueFrom':
      return 'd.due_date >= CAST(:dueFrom AS date)'
    case 'dueTo':
      return 'd.due_date <= CAST(:dueTo AS date)'
    case 'dueBefore':
      return 'd.due_date < CAST(:dueBefore AS date)'
    case 'dueAfter':
      return 'd.due_date > CAST(:dueAfter AS date)'
    case 'txnFrom':
      return 'd.txn_date >= CAST(:txnFrom AS date)'
    case 'txnTo':
      return 'd.txn_date <= CAST(:txnTo AS date)'
    case 'counterparty':
      return named(partyName(entity))
    case 'counterpartyId':
      return `d.${PARTIES[entity]!.id} = CAST(:counterpartyId AS text)`
    case 'docNumber':
      return 'd.doc_number = CAST(:docNumber AS text)'
    case 'currency':
      return 'd.currency = CAST(:currency AS text)'
    case 'minBalance':
      return `d.${entity === 'balance' ? 'current_balance' : 'balance'} >= CAST(:minBalance AS numeric)`
    case 'changedSince':
      return 'd.valid_from >= CAST(:changedSince AS timestamptz)'
  }
}
