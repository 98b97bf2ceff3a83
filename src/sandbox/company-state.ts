import { parseKeepingNumbers } from './json.ts'
import { createLedger, decodePostings } from './ledger.ts'
import type { Ledger } from './ledger.ts'
import { createShelf } from './shelf.ts'
import type { Entry, Shelf, Tombstone } from './shelf.ts'
import { STORED } from './wire.ts'
import type { Account, StoredName } from './wire.ts'

/** One company of the simulator, as it is asked for. */
export interface CompanySpec {
  realmId: string
  name: string
  /** 10 to 100,000: bills, invoices, their payments and the lists together, about; 0: the accounts alone. */
  records: number
  /** ISO 4217. */
  homeCurrency: string
  multiCurrency: boolean
  /** ISO 3166, three letters, as CompanyInfo shows it. */
  country: string
  /** Whether the stream of business activity reaches it. */
  lively: boolean
  /** Of every invoice of its history; one or two when left out. */
  linesPerInvoice?: number
  /** Whether its history is that of a firm that lives on it; left out, much is never paid, as tests want it. */
  solvent?: boolean
}

/** What looking up an account needs to know, without parsing the record. */
export interface AccountFacts {
  id: string
  name: string
  type: string
  subType: string
  classification: Account['Classification']
  currency: string
  parentId: string | null
  active: boolean
}

/** How a record was before a change, for answers that are behind. */
export interface Undo {
  atMs: number
  type: StoredName
  id: string
  before: Entry | null
}

export type StoredChange =
  | { kind: 'put'; type: StoredName; entry: Entry }
  | { kind: 'gone'; type: StoredName; id: string }
  | { kind: 'buried'; type: StoredName; tombstone: Tombstone }
  | { kind: 'unburied'; type: StoredName; id: string }

export interface CompanyState {
  readonly spec: CompanySpec
  readonly createdMs: number
  readonly shelves: Record<StoredName, Shelf>
  readonly ledger: Ledger
  readonly chart: Map<string, AccountFacts>
  /** The last number given out in each number space. */
  readonly counters: Map<string, number>
  readonly undo: Undo[]
  /** Business actions so far; seeds the next random one. */
  revision: number
}

/** What a company consists of where it is kept: its records, tombstones and counters. */
export interface CompanyContents {
  entries: ReadonlyMap<StoredName, Iterable<Entry>>
  tombstones: ReadonlyMap<StoredName, Iterable<Tombstone>>
  counters: Iterable<readonly [string, number]>
  revision: number
}

const EMPTY: CompanyContents = { entries: new Map(), tombstones: new Map(), counters: [], revision: 0 }

export function createCompanyState(spec: CompanySpec, createdMs: number, contents = EMPTY): CompanyState {
  const state: CompanyState = {
    spec,
    createdMs,
    shelves: shelvesOf(contents),
    ledger: createLedger(),
    chart: new Map(),
    counters: new Map(contents.counters),
    undo: [],
    revision: contents.revision,
  }
  for (const { text } of state.shelves.Account.byId.items) {
    noteAccount(state, parseKeepingNumbers(text) as unknown as Account)
  }
  for (const type of STORED) {
    for (const { postings } of state.shelves[type].byId.items) state.ledger.add(decodePostings(postings), 1)
  }
  return state
}

export function noteAccount({ chart }: CompanyState, account: Account): void {
  chart.set(account.Id, {
    id: account.Id,
    name: account.FullyQualifiedName,
    type: account.AccountType,
    subType: account.AccountSubType,
    classification: account.Classification,
    currency: account.CurrencyRef.value,
    parentId: account.ParentRef?.value ?? null,
    active: account.Active,
  })
}

function shelvesOf({ entries, tombstones }: CompanyContents): Record<StoredName, Shelf> {
  const pairs = STORED.map((type) => [type, createShelf(entries.get(type), tombstones.get(type))] as const)
  return Object.fromEntries(pairs) as Record<StoredName, Shelf>
}
