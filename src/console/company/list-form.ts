import type { Entity } from '../../domain/entity.ts'
import { listQuery } from '../../http/api/list-query.ts'

/** The address of a list; a page never asks QuickBooks, so it has no age to ask for. */
export function listForm(entity: Entity) {
  const query = listQuery(entity)
  return query.omit({ maxAgeSeconds: true }).extend({ sort: query.shape.sort.prefault(USUAL_SORT[entity]) })
}

/** What one looks for first: the newest documents, the largest accounts, names from A. */
export const USUAL_SORT: Readonly<Record<Entity, string>> = {
  bill: '-txnDate',
  invoice: '-txnDate',
  balance: '-balance',
  vendor: 'counterparty',
  customer: 'counterparty',
}
