import type { CompanyState } from './company-state.ts'
import { createShelf } from './shelf.ts'
import type { Entry, Shelf } from './shelf.ts'
import type { StoredName } from './wire.ts'

/** The records of a type as they were at that time, as far as the undo list reaches. */
export function shelfAsOf(state: CompanyState, type: StoredName, atMs: number): Shelf {
  const entries = new Map<string, Entry>()
  for (const entry of state.shelves[type].byId.items) entries.set(entry.id, entry)
  for (let index = state.undo.length - 1; index >= 0; index -= 1) {
    const undo = state.undo[index]
    if (!undo || undo.atMs <= atMs) break
    if (undo.type !== type) continue
    if (undo.before) entries.set(undo.id, undo.before)
    else entries.delete(undo.id)
  }
  const tombstones = [...state.shelves[type].tombstones.values()].filter(({ updatedMs }) => updatedMs <= atMs)
  return createShelf(entries.values(), tombstones)
}
