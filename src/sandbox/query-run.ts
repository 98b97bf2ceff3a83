import { propertiesOf } from './properties.ts'
import type { Comparable, Property } from './properties.ts'
import type { Condition, Query } from './query-parser.ts'
import { compareIds } from './shelf.ts'
import type { Entry, Shelf } from './shelf.ts'
import type { SortedList } from './sorted-list.ts'
import type { EntityName } from './wire.ts'
import { isList } from './wire.ts'

/** The statement names something that the entity does not have (fault 4001). */
export class QueryValidationError extends Error {}

/** All rows that a query finds, in its order, before paging. Throws QueryValidationError. */
export function findRows(query: Query, entity: EntityName, shelf: Shelf): readonly Entry[] {
  if (query.startPosition < 1)
    throw new QueryValidationError(`value ${query.startPosition} is too small, minimum 1`)
  const where = query.where.map((condition) => bind(condition, entity))
  const sorting = query.orderBy.map(({ property, descending }) => ({
    property: sortable(entity, property),
    descending,
  }))
  if (isList(entity) && !where.some(({ property }) => property.name === 'Active')) where.push(ACTIVE_ONLY)
  const [first, ...others] = sorting
  const index = others.length === 0 ? indexFor(shelf, first?.property.name ?? 'Id') : null
  if (index) {
    const rows = filtered(rangeOf(index, first?.property.name ?? 'Id', where), where)
    return first?.descending ? descendingTiesById(rows, first.property) : rows
  }
  return filtered(shelf.byId.items, where).toSorted(comparator(sorting))
}

interface Bound {
  property: Property
  test: (entry: Entry) => boolean
  /** The smallest value that can pass, where there is one. */
  from: number | null
}

const ACTIVE_ONLY: Bound = {
  property: { name: 'Active', sortable: true, of: (entry) => entry.active, parse: () => true },
  test: (entry) => entry.active,
  from: null,
}

function bind(condition: Condition, entity: EntityName): Bound {
  const property = propertyOf(entity, condition.property)
  const values = condition.values.map((literal) => {
    const value = property.parse(literal)
    if (value === null)
      throw new QueryValidationError(`value '${literal}' is not valid for property ${property.name}`)
    return value
  })
  const [value = null] = values
  const atLeast = condition.operator === '>=' || condition.operator === '>' || condition.operator === '='
  return {
    property,
    test: testFor(condition, property, value, values),
    from: atLeast && typeof value === 'number' ? value : null,
  }
}

function testFor(
  { operator, values: literals }: Condition,
  property: Property,
  value: Comparable,
  values: Comparable[],
) {
  const ordered = (passes: (sign: number) => boolean) => (entry: Entry) => {
    const sign = compare(property.of(entry), value)
    return sign !== null && passes(sign)
  }
  switch (operator) {
    case '=':
      return ordered((sign) => sign === 0)
    case '<':
      return ordered((sign) => sign < 0)
    case '>':
      return ordered((sign) => sign > 0)
    case '<=':
      return ordered((sign) => sign <= 0)
    case '>=':
      return ordered((sign) => sign >= 0)
    case 'IN': {
      const wanted = new Set(values)
      return (entry: Entry) => wanted.has(property.of(entry))
    }
    case 'LIKE': {
      const pattern = likePattern(literals[0] ?? '')
      return (entry: Entry) => pattern.test(String(property.of(entry) ?? ''))
    }
  }
}

function likePattern(literal: string): RegExp {
  const parts = literal.split('%').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 'is')
}

/** Null when either is missing: a record without the property passes no comparison. */
function compare(a: Comparable, b: Comparable): number | null {
  if (a === null || b === null) return null
  return a < b ? -1 : a > b ? 1 : 0
}

function propertyOf(entity: EntityName, name: string): Property {
  const property = propertiesOf(entity).get(name.toLowerCase())
  if (!property) throw new QueryValidationError(`Property ${name} not found for Entity ${entity}`)
  return property
}

function sortable(entity: EntityName, name: string): Property {
  const property = propertyOf(entity, name)
  if (!property.sortable)
    throw new QueryValidationError(`Property ${name} is not sortable for Entity ${entity}`)
  return property
}

function indexFor(shelf: Shelf, name: string): SortedList<Entry> | null {
  if (name === 'Id') return shelf.byId
  if (name === 'MetaData.CreateTime') return shelf.byCreated
  return name === 'MetaData.LastUpdatedTime' ? shelf.byUpdated : null
}

/** The part of an index that can pass its lower bound, so that a late page of keyset reading stays cheap. */
function rangeOf(index: SortedList<Entry>, name: string, where: Bound[]): readonly Entry[] {
  const bound = where.find(({ property, from }) => property.name === name && from !== null)
  if (!bound) return index.items
  const from = bound.from as number
  return index.items.slice(index.firstNot((entry) => (bound.property.of(entry) as number) < from))
}

function filtered(rows: readonly Entry[], where: Bound[]): readonly Entry[] {
  return where.length === 0 ? rows : rows.filter((entry) => where.every(({ test }) => test(entry)))
}

function descendingTiesById(rows: readonly Entry[], property: Property): Entry[] {
  return rows.toSorted((a, b) => Number(property.of(b)) - Number(property.of(a)) || compareIds(a, b))
}

function comparator(sorting: { property: Property; descending: boolean }[]) {
  return (a: Entry, b: Entry) => {
    for (const { property, descending } of sorting) {
      const sign = compare(property.of(a) ?? '', property.of(b) ?? '') ?? 0
      if (sign !== 0) return descending ? -sign : sign
    }
    return compareIds(a, b)
  }
}
