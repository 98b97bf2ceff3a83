import { createSortedList } from './sorted-list.ts'
import type { SortedList } from './sorted-list.ts'

/** One record as it stands: the JSON text that is served, and what searching needs. Never changed. */
export interface Entry {
  readonly id: string
  /** The Id as a number, by which records sort; 0 when it is none. */
  readonly order: number
  readonly createdMs: number
  readonly updatedMs: number
  readonly active: boolean
  /** What the record moves in the accounts, as `encodePostings` writes it. */
  readonly postings: string
  readonly text: string
}

export interface Tombstone {
  readonly id: string
  readonly order: number
  readonly updatedMs: number
  /** What was deleted, so that somebody may enter it again; null when it is not known. */
  readonly lastText: string | null
}

/** All records of one type, in the three orders that callers page by. */
export interface Shelf {
  readonly byId: SortedList<Entry>
  readonly byCreated: SortedList<Entry>
  readonly byUpdated: SortedList<Entry>
  readonly tombstones: ReadonlyMap<string, Tombstone>
  get(id: string): Entry | undefined
  set(entry: Entry): void
  setMany(entries: readonly Entry[]): void
  remove(id: string): void
  bury(tombstone: Tombstone): void
  unbury(id: string): void
}

export function createShelf(entries: Iterable<Entry> = [], buried: Iterable<Tombstone> = []): Shelf {
  const known = new Map<string, Entry>()
  for (const entry of entries) known.set(entry.id, entry)
  const tombstones = new Map<string, Tombstone>()
  for (const tombstone of buried) tombstones.set(tombstone.id, tombstone)
  const byId = createSortedList(compareIds, known.values())
  const byCreated = createSortedList(compareBy('createdMs'), known.values())
  const byUpdated = createSortedList(compareBy('updatedMs'), known.values())
  const orders = [byId, byCreated, byUpdated]
  const remove = (id: string) => {
    const entry = known.get(id)
    if (!entry) return
    known.delete(id)
    for (const order of orders) order.remove(entry)
  }
  const set = (entry: Entry) => {
    remove(entry.id)
    known.set(entry.id, entry)
    for (const order of orders) order.add(entry)
  }
  const setMany = (many: readonly Entry[]) => {
    for (const entry of many) known.set(entry.id, entry)
    for (const order of orders) order.replaceAll(known.values())
  }
  return {
    byId,
    byCreated,
    byUpdated,
    tombstones,
    get: (id) => known.get(id),
    set,
    setMany,
    remove,
    bury: (tombstone) => tombstones.set(tombstone.id, tombstone),
    unbury: (id) => tombstones.delete(id),
  }
}

/** The number by which an Id sorts. Whether QuickBooks sorts Ids as numbers is not established. */
export function orderOf(id: string): number {
  return /^\d{1,15}$/.test(id) ? Number(id) : 0
}

export function compareIds(a: { order: number; id: string }, b: { order: number; id: string }): number {
  if (a.order !== b.order) return a.order - b.order
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

function compareBy(key: 'createdMs' | 'updatedMs') {
  return (a: Entry, b: Entry) => a[key] - b[key] || compareIds(a, b)
}
