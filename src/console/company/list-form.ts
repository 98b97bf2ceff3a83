import type { Entity } from '../../domain/entity.ts'
import { listQuery } from '../../http/api/list-query.ts'

/** The address of a list; a page never asks QuickBooks, so it has no age to ask for. */
export function listForm(entity: Entity) {
  return listQuery(entity).omit({ maxAgeSeconds: true })
}
