import type { Page, Reject, Tombstone, Version } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { listingQuery, PAGE_ROWS } from './build-query.ts'
import { earliest, type QueryAnswer } from './envelope.ts'
import { advance, isSeen, positionOf, sortFieldOf, timeOf, type ListingCursor } from './listing-cursor.ts'
import { mapRecord, rejected } from './mappers.ts'
import { partRows } from './map-rows.ts'
import type { Mapping } from './mapping.ts'
import type { Json } from '../domain/parse-json.ts'
import { invalidField } from './payload-fields.ts'
import { isPoisoned, readAroundPoison, type ReadSlice, type Slice } from './poisoned-page.ts'

export interface ListingPage {
  readonly page: Page
  /** Null after the last page. */
  readonly next: ListingCursor | null
}

/**
 * The next page of a listing. A page that QuickBooks cannot serve because of one record (fault 10000) is read in
 * smaller pieces until that record stands alone; it becomes a reject, and the page may then be shorter than others
 * although the listing goes on.
 */
export async function listPage(
  entity: Entity,
  cursor: ListingCursor,
  mapping: Mapping,
  query: (conditions: string) => Promise<QueryAnswer>,
): Promise<ListingPage> {
  const readSlice: ReadSlice = async (from, rows) => {
    const { since, offset } = from
    const conditions = listingQuery(entity, { field: sortFieldOf(from), since, offset, rows })
    return { ...(await query(conditions)), from }
  }
  try {
    const slice = await readSlice(cursor, PAGE_ROWS)
    return toPage(entity, [slice], [], advance(cursor, slice, PAGE_ROWS), mapping)
  } catch (error) {
    if (!isPoisoned(error)) throw error
    const around = await readAroundPoison(cursor, PAGE_ROWS, readSlice)
    return toPage(entity, around.slices, around.rejects, around.next, mapping)
  }
}

function toPage(
  entity: Entity,
  slices: readonly Slice[],
  poisoned: readonly Reject[],
  next: ListingCursor | null,
  mapping: Mapping,
): ListingPage {
  const parts = slices.map((slice) => mapSlice(entity, slice, mapping))
  const page = {
    changes: parts.flatMap(({ changes }) => changes),
    rejects: [...parts.flatMap(({ rejects }) => rejects), ...poisoned],
    observedAt: earliest(slices),
  }
  return { page, next }
}

function mapSlice(entity: Entity, { from, rows }: Slice, mapping: Mapping) {
  const places = rows.map((row, index) => ({ row, index })).filter(({ row }) => !isSeen(from, row))
  return partRows(
    places,
    ({ row }) => mapListed(entity, row, from, mapping),
    (index) => positionOf(from, places[index]?.index ?? 0),
  )
}

/** A row without the time by which the listing goes has no place in it. */
function mapListed(
  entity: Entity,
  row: Json,
  from: ListingCursor,
  mapping: Mapping,
): Version | Tombstone | Reject {
  const mapped = mapRecord(entity, row, mapping)
  if ('kind' in mapped && timeOf(row, from) === null) {
    return rejected(row, invalidField(`MetaData.${sortFieldOf(from)}`, undefined, 'a time with an offset'))
  }
  return mapped
}
