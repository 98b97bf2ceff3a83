import type { Draft } from './draft.ts'
import type { JsonObject } from './json.ts'
import { parseMoment, startOfSecond } from './pacific-time.ts'
import { orderOf } from './shelf.ts'
import type { Entry } from './shelf.ts'
import type { EntityName } from './wire.ts'

/** Things that real books do now and then and that no user asked for: the hard cases of a mirror. */

/** Changes content without any sign of it: neither LastUpdatedTime nor SyncToken moves. */
export function silentChange(draft: Draft, type: EntityName, id: string, patch: JsonObject): void {
  Object.assign(draft.silently(type, id), patch)
}

/** Puts a record there as it is, whatever it holds; queries serve the text to the letter. Moves no balance. */
export function putText(draft: Draft, type: EntityName, text: string): string {
  const object = JSON.parse(text) as JsonObject
  if (typeof object.Id !== 'string' || !/^[^\t\r\n]+$/.test(object.Id))
    throw new Error(`a ${type} needs an Id`)
  // Raw line breaks can stand between JSON tokens only, where a space means the same and keeps records on one line.
  const line = text.replace(/[\r\n\t]+/g, ' ')
  draft.directly({ kind: 'put', type, entry: entryOf(draft, type, object.Id, object, line) })
  draft.directly({ kind: 'unburied', type, id: object.Id })
  return object.Id
}

/** A tombstone for a record that is alive. */
export function falseTombstone(draft: Draft, type: EntityName, id: string): void {
  const tombstone = { id, order: orderOf(id), updatedMs: startOfSecond(draft.nowMs), lastText: null }
  draft.directly({ kind: 'buried', type, tombstone })
}

function entryOf(draft: Draft, type: EntityName, id: string, object: JsonObject, text: string): Entry {
  const times = (object.MetaData ?? {}) as { CreateTime?: unknown; LastUpdatedTime?: unknown }
  const momentOf = (value: unknown) => (typeof value === 'string' ? parseMoment(value) : null)
  const updatedMs = momentOf(times.LastUpdatedTime) ?? startOfSecond(draft.nowMs)
  return {
    id,
    order: orderOf(id),
    createdMs: momentOf(times.CreateTime) ?? updatedMs,
    updatedMs,
    active: object.Active !== false,
    postings: draft.state.shelves[type].get(id)?.postings ?? '',
    text,
  }
}
