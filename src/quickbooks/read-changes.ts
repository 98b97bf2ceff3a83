import type { Page } from '../domain/change.ts'
import { ENTITIES, type Entity } from '../domain/entity.ts'
import type { ChangesEnvelope } from './envelope.ts'
import { isTombstone, mapRecord, mapTombstone } from './mappers.ts'
import { partRows } from './map-rows.ts'
import { MAPPERS } from './registry.ts'
import type { Mapping } from './mapping.ts'

export interface ChangesAnswer {
  readonly observedAt: Date
  /** Everything in the answer, tombstones too. */
  readonly objects: number
  /**
   * The answer has as many objects as change data capture gives at most: what it dropped, of whichever entity,
   * cannot be seen, so that none of its entities is complete.
   */
  readonly overflow: boolean
  /** Only entities of which something is in the answer. */
  readonly pages: ReadonlyMap<Entity, Page>
}

// Intuit's cap, for all entities of one request together; there is no second page.
const MOST_OBJECTS = 1_000

/** Sorts an answer of change data capture by entity. */
export function toChangesAnswer({ rows, observedAt }: ChangesEnvelope, mapping: Mapping): ChangesAnswer {
  const objects = rows.values().reduce((sum, list) => sum + list.length, 0)
  const pages = new Map<Entity, Page>()
  for (const entity of ENTITIES) {
    const payloads = rows.get(MAPPERS[entity].intuitName)
    if (!payloads) continue
    const { changes, rejects } = partRows(
      payloads,
      (payload) => (isTombstone(payload) ? mapTombstone(payload) : mapRecord(entity, payload, mapping)),
      (index) => `changes at ${observedAt.toISOString()} #${index + 1}`,
    )
    pages.set(entity, { changes, rejects, observedAt })
  }
  return { observedAt, objects, overflow: objects >= MOST_OBJECTS, pages }
}
