import type { RecordSelection, ShownEntity } from './read-records.ts'
import type { ListQuery, Shown } from './shown-records.ts'

/** What a list request selects: conditions over `d` that indexes can serve, and one row more than is shown. */
export function listSelection(
  { filters, party }: Pick<Shown<ShownEntity>, 'filters' | 'party'>,
  query: ListQuery,
  { realmId, today }: { readonly realmId: string; readonly today: string },
): RecordSelection {
  const { cursor, status = null, dueBefore = null, dueAfter = null, counterparty = null } = query
  const conditions = [
    'd.realm_id = :realmId',
    cursor !== null && 'd.qbo_id > :cursor',
    !query.includeDeleted && 'd.deleted_at IS NULL',
    status !== null && filters[status],
    dueBefore !== null && 'd.due_date < :dueBefore',
    dueAfter !== null && 'd.due_date > :dueAfter',
    counterparty !== null && party && `d.${party.id} = :counterparty`,
  ]
  return {
    conditions: conditions.filter((condition) => typeof condition === 'string'),
    bindings: { realmId, today, cursor, dueBefore, dueAfter, counterparty },
    limit: query.limit + 1,
  }
}
