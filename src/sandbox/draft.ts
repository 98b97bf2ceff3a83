import type { CompanyState, StoredChange } from './company-state.ts'
import type { WorkingRecord } from './working-record.ts'
import { parseKeepingNumbers } from './json.ts'
import { assertBalanced, decodePostings, encodePostings } from './ledger.ts'
import type { Posting } from './ledger.ts'
import { pacificSecond, startOfSecond } from './pacific-time.ts'
import { orderOf } from './shelf.ts'
import { isList } from './wire.ts'
import type { Header, Objects, StoredName } from './wire.ts'

/** One business action under way. Records handed out may be changed in place, `read` ones must not. */
export interface Draft {
  readonly state: CompanyState
  readonly nowMs: number
  /** Now, as LastUpdatedTime has it. */
  readonly second: string
  create<T extends StoredName>(type: T, build: (header: Header) => Objects[T]): Objects[T]
  read<T extends StoredName>(type: T, id: string): Objects[T]
  /** An edit of the record itself: raises its SyncToken, once an action, and its LastUpdatedTime. */
  edit<T extends StoredName>(type: T, id: string): Objects[T]
  /** Something else moved the record's balance: LastUpdatedTime alone. */
  move<T extends StoredName>(type: T, id: string): Objects[T]
  /** A change that QuickBooks shows without any sign of it. */
  silently<T extends StoredName>(type: T, id: string): Objects[T]
  /** Replaces what a transaction moves in the accounts. */
  post(type: StoredName, id: string, postings: Posting[]): void
  /** Takes a record away, and what it moved; `traceless` leaves no tombstone. */
  remove(type: StoredName, id: string, traceless?: boolean): void
  /** Puts a record or a tombstone there as it is, past everything above. */
  directly(change: StoredChange): void
  /** The next number of a sequence of its own. */
  count(sequence: string): number
}

/** What an action does besides changing records, applied when it has come to its end. */
export interface Operation {
  readonly secondMs: number
  readonly postings: { before: Posting[]; after: Posting[] }[]
  /** Changes made past the records in hand: removals, and what was put in as it is. */
  readonly direct: StoredChange[]
}

export function createDraft(state: CompanyState, working: Map<string, WorkingRecord>, nowMs: number) {
  const secondMs = startOfSecond(nowMs)
  const second = pacificSecond(secondMs)
  const operation: Operation = { secondMs, postings: [], direct: [] }
  const edited = new Set<string>()

  const touch = (item: WorkingRecord) => {
    item.object.MetaData.LastUpdatedTime = second
    item.updatedMs = secondMs
    item.changed = true
    return item.object
  }
  const edit = (type: StoredName, id: string) => {
    const item = recordOf(state, working, type, id)
    if (!edited.has(keyOf(type, id))) item.object.SyncToken = String(Number(item.object.SyncToken) + 1)
    edited.add(keyOf(type, id))
    return touch(item)
  }
  const silently = (type: StoredName, id: string) => {
    const item = recordOf(state, working, type, id)
    item.changed = true
    return item.object
  }
  const create = (type: StoredName, build: (header: Header) => Objects[StoredName]) => {
    const object = build(newHeader(nextId(state, type), second))
    const item = {
      type,
      id: object.Id,
      object,
      createdMs: secondMs,
      updatedMs: secondMs,
      postings: '',
      changed: true,
    }
    working.set(keyOf(type, object.Id), item)
    edited.add(keyOf(type, object.Id))
    return object
  }
  const post = (type: StoredName, id: string, postings: Posting[]) => {
    assertBalanced(postings)
    const item = recordOf(state, working, type, id)
    operation.postings.push({ before: decodePostings(item.postings), after: postings })
    item.postings = encodePostings(postings)
    item.changed = true
  }
  const remove = (type: StoredName, id: string, traceless = false) => {
    const item = recordOf(state, working, type, id)
    post(type, id, [])
    working.delete(keyOf(type, id))
    operation.direct.push({ kind: 'gone', type, id })
    if (traceless) return
    const tombstone = { id, order: orderOf(id), updatedMs: secondMs, lastText: JSON.stringify(item.object) }
    operation.direct.push({ kind: 'buried', type, tombstone })
  }
  const draft = {
    state,
    nowMs,
    second,
    create,
    read: (type: StoredName, id: string) => recordOf(state, working, type, id).object,
    edit,
    move: (type: StoredName, id: string) => touch(recordOf(state, working, type, id)),
    silently,
    post,
    remove,
    directly: (change: StoredChange) => operation.direct.push(change),
    count: (sequence: string) => countUp(state, sequence),
    // The shelves hold each record under the type that it has, which the type parameter cannot express.
  } as unknown as Draft
  return { draft, operation }
}

function keyOf(type: StoredName, id: string): string {
  return `${type} ${id}`
}

function recordOf(
  state: CompanyState,
  working: Map<string, WorkingRecord>,
  type: StoredName,
  id: string,
): WorkingRecord {
  const known = working.get(keyOf(type, id))
  if (known) return known
  const entry = state.shelves[type].get(id)
  if (!entry) throw new Error(`${state.spec.name} has no ${type} ${id}`)
  const { createdMs, updatedMs, postings } = entry
  const object = parseKeepingNumbers(entry.text) as unknown as Objects[StoredName]
  const item = { type, id, object, createdMs, updatedMs, postings, changed: false }
  working.set(keyOf(type, id), item)
  return item
}

function newHeader(id: string, second: string): Header {
  return {
    domain: 'QBO',
    sparse: false,
    Id: id,
    SyncToken: '0',
    MetaData: { CreateTime: second, LastUpdatedTime: second },
  }
}

/** Transactions share one number space; each list has its own. Ids that were put in by hand are passed over. */
function nextId(state: CompanyState, type: StoredName): string {
  const sequence = isList(type) ? type : 'transaction'
  let id = String(countUp(state, sequence))
  while (state.shelves[type].get(id)) id = String(countUp(state, sequence))
  return id
}

function countUp({ counters }: CompanyState, sequence: string): number {
  const next = (counters.get(sequence) ?? 0) + 1
  counters.set(sequence, next)
  return next
}
