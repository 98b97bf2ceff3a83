import { renderAccounts } from './account-balances.ts'
import { noteAccount } from './company-state.ts'
import type { CompanyState, StoredChange } from './company-state.ts'
import { createDraft } from './draft.ts'
import type { Draft, Operation } from './draft.ts'
import { orderOf } from './shelf.ts'
import type { Entry } from './shelf.ts'
import type { WorkingRecord } from './working-record.ts'
import { STORED } from './wire.ts'
import type { Account } from './wire.ts'

export interface Editor {
  /** Does one business action: all of it, or, when `work` throws, nothing. */
  change<T>(nowMs: number, work: (draft: Draft) => T): T
  /** Does many actions that remove nothing, written out together now and then; none is recorded or can be undone. */
  bulk(work: () => void): void
}

/** Changes to the undo list that are kept: enough for minutes of lively books. */
const UNDO_LIMIT = 20_000
/** Actions between two writings-out of a bulk: bounds the parsed records held in memory. */
const BULK_FLUSH_EVERY = 5_000

/** The only way to change a company: business actions on records, written out as JSON text when they are done. */
export function createEditor(state: CompanyState, record: (changes: StoredChange[]) => void): Editor {
  const working = new Map<string, WorkingRecord>()
  const movedAccounts = new Map<string, number>()
  let bulk = false
  let actions = 0

  const writeOut = (nowMs: number, operation: Operation | null) => {
    renderAccounts(state, working, movedAccounts)
    const changes: StoredChange[] = operation ? [...operation.direct] : []
    for (const item of working.values()) {
      if (item.changed && item.type === 'Account') noteAccount(state, item.object as Account)
      if (item.changed) changes.push({ kind: 'put', type: item.type, entry: entryOf(item) })
    }
    if (bulk) applyInBulk(state, changes)
    else for (const change of changes) apply(state, change, nowMs)
    working.clear()
    if (!bulk) record(changes)
  }

  const settle = (nowMs: number, operation: Operation) => {
    for (const { before, after } of operation.postings) {
      state.ledger.add(before, -1)
      state.ledger.add(after, 1)
      for (const { accountId } of [...before, ...after]) movedAccounts.set(accountId, operation.secondMs)
    }
    for (const change of operation.direct) {
      if (change.kind === 'gone' && change.type === 'Account') state.chart.delete(change.id)
    }
    actions += 1
    state.revision += 1
    if (!bulk || actions % BULK_FLUSH_EVERY === 0) writeOut(nowMs, operation)
  }

  const change = <T>(nowMs: number, work: (draft: Draft) => T): T => {
    const { draft, operation } = createDraft(state, working, nowMs)
    try {
      const result = work(draft)
      settle(nowMs, operation)
      return result
    } catch (error) {
      if (!bulk) working.clear()
      throw error
    }
  }

  const inBulk = (work: () => void) => {
    bulk = true
    work()
    writeOut(0, null)
    bulk = false
  }
  return { change, bulk: inBulk }
}

function entryOf(item: WorkingRecord): Entry {
  const { Active: active } = item.object as { Active?: boolean }
  return {
    id: item.id,
    order: orderOf(item.id),
    createdMs: item.createdMs,
    updatedMs: item.updatedMs,
    active: active !== false,
    postings: item.postings,
    text: JSON.stringify(item.object),
  }
}

function applyInBulk(state: CompanyState, changes: StoredChange[]): void {
  for (const type of STORED) {
    const entries = changes.flatMap((change) =>
      change.kind === 'put' && change.type === type ? [change.entry] : [],
    )
    if (entries.length > 0) state.shelves[type].setMany(entries)
  }
}

/** Makes one change to the shelves, and keeps what it replaces for answers that are behind. */
function apply(state: CompanyState, change: StoredChange, nowMs: number): void {
  const shelf = state.shelves[change.type]
  if (change.kind === 'buried') return shelf.bury(change.tombstone)
  if (change.kind === 'unburied') return shelf.unbury(change.id)
  const id = change.kind === 'put' ? change.entry.id : change.id
  state.undo.push({ atMs: nowMs, type: change.type, id, before: shelf.get(id) ?? null })
  if (state.undo.length > UNDO_LIMIT) state.undo.splice(0, UNDO_LIMIT / 2)
  if (change.kind === 'put') shelf.set(change.entry)
  else shelf.remove(id)
}
