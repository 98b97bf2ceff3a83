import type { Page } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { partRows } from './map-rows.ts'
import type { ChangedRows } from './read-reply.ts'

export interface ChangesAnswer {
  readonly observedAt: Date
  /** Everything in the answer, tombstones too. */
  readonly objects: number
  /**
   * The answer has as many objects as change data capture ever returns: it may have dropped some of any entity, so none
   * of its entities is complete.
   */
  readonly overflow: boolean
  /** Only entities that occur in the answer. */
  readonly pages: ReadonlyMap<Entity, Page>
}

// Intuit's cap for all entities of one request together; there is no second page.
const MOST_OBJECTS = 1_000

/** Sorts an answer of change data capture by entity. */
export function toChangesAnswer({ rows, objects, observedAt }: ChangedRows): ChangesAnswer {
  const pages = rows.map(([entity, mapped]) => {
    const parted = partRows(
      mapped,
      (row) => row,
      (index) => `changes at ${observedAt.toISOString()} #${index + 1}`,
    )
    return [entity, { ...parted, observedAt }] as const
  })
  return { observedAt, objects, overflow: objects >= MOST_OBJECTS, pages: new Map(pages) }
}
