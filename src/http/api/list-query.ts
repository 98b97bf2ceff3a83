import { z } from 'zod'
import { filtersOf, statusesOf, type FilterName } from '../../books/list-filters.ts'
import { sortsOf, type Order, type Sort } from '../../books/list-order.ts'
import type { Entity } from '../../domain/entity.ts'
import {
  date,
  decimal,
  flag,
  instant,
  limit,
  oneOf,
  plainText,
  qboId,
  wholeSeconds,
} from '../request/fields.ts'

/** The two clocks a request can name. */
export const MOMENT_FIELDS = {
  asOf: instant.nullable().default(null),
  sourceAsOf: instant.nullable().default(null),
}

/** A mirror older than this is synced first. */
export const AGE_FIELDS = { maxAgeSeconds: wholeSeconds.nullable().default(null) }

// A page's cursor holds the sort value, at the longest a party's name, and only `books/` reads it.
const LONGEST_CURSOR = 4000

/** The query parameters of an entity's list: each has its own filters and sorts. */
export function listQuery(entity: Entity) {
  const known = filtersOf(entity).map((name) => [name, filterField(entity, name).optional()])
  return z.strictObject({
    limit,
    cursor: z
      .string({ error: NOT_A_CURSOR })
      .max(LONGEST_CURSOR, NOT_A_CURSOR)
      .regex(/^[\w-]+$/, NOT_A_CURSOR)
      .nullable()
      .default(null),
    ...(Object.fromEntries(known) as FilterFields),
    includeDeleted: flag,
    sort: sortField(entity),
    ...(entity === 'bill' || entity === 'invoice' ? { expand: oneOf(['lines']).optional() } : {}),
    ...MOMENT_FIELDS,
    ...AGE_FIELDS,
  })
}

/** Filters that the entity does not support are absent, and so refused like any unknown field. */
type FilterFields = {
  readonly [Name in Exclude<FilterName, 'includeDeleted'>]: z.ZodType<string | undefined>
}

const NOT_A_CURSOR = 'is not a cursor of this list'

function filterField(entity: Entity, name: FilterName): z.ZodType {
  switch (name) {
    case 'status':
      return oneOf(statusesOf(entity))
    case 'dueFrom':
    case 'dueTo':
    case 'dueBefore':
    case 'dueAfter':
    case 'txnFrom':
    case 'txnTo':
      return date
    case 'counterparty':
    case 'docNumber':
      return plainText(100)
    case 'counterpartyId':
      return qboId
    case 'currency':
      return plainText(3)
    case 'minBalance':
      return decimal
    case 'changedSince':
      return instant
    case 'includeDeleted':
      return flag
  }
}

/** `dueDate`, or `-dueDate` for descending. */
function sortField(entity: Entity) {
  const sorts = sortsOf(entity)
  return oneOf(sorts.flatMap((sort) => [sort, `-${sort}`]))
    .default('qboId')
    .transform((sort): Order => {
      const descending = sort.startsWith('-')
      return { by: (descending ? sort.slice(1) : sort) as Sort, descending }
    })
}
