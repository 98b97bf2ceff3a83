import { CHANGES } from '../../books/versions/change-of.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { decimal, instant, oneOf, plainText } from '../request/fields.ts'

/** What the feed of changes can be filtered by. */
export const CHANGE_FILTERS = {
  since: instant.nullable().default(null),
  until: instant.nullable().default(null),
  entity: oneOf(ENTITIES).nullable().default(null),
  change: oneOf(CHANGES).nullable().default(null),
  counterparty: plainText(100).nullable().default(null),
  minAmount: decimal.nullable().default(null),
}
