import { LedgerError } from '../domain/ledger-error.ts'
import type { SortField } from './build-query.ts'
import type { ListedRow } from './listed-row.ts'
import { toSecond } from './moment.ts'

/** A place inside one listing: plain JSON, so that it can be kept between runs. */
export interface ListingCursor {
  /** Complete listings are sorted by creation time, which never moves; listings of changes by LastUpdatedTime. */
  readonly by: 'created' | 'changed'
  /** The second from which the next page is read, as QuickBooks wrote it; null for the very beginning. */
  readonly since: string | null
  /** Rows to skip within the second `since`. */
  readonly offset: number
  /** Ids of that second that were already taken and will be served again. */
  readonly seen: string[]
}

export function startListing(by: ListingCursor['by'], since: Date | null): ListingCursor {
  return { by, since: since && toSecond(since), offset: 0, seen: [] }
}

export function sortFieldOf({ by }: ListingCursor): SortField {
  return by === 'created' ? 'CreateTime' : 'LastUpdatedTime'
}

// Share of a page inside one second that the next page reads again: that many rows of the second may disappear in
// between without any row being missed.
const REREAD_SHARE = 0.1

/**
 * Where the next page begins: at the last second of these rows, which are served again, so that nothing is skipped if
 * one of them disappears; within a single second, after most of its rows. Null when there were fewer rows than
 * requested: the listing is over. A page may also hold one row more than requested.
 *
 * @throws LedgerError `unavailable` when the rows are from before the requested place: continuing from there would
 *   never end.
 */
export function advance(
  cursor: ListingCursor,
  { rows, intuitTid }: { readonly rows: readonly ListedRow[]; readonly intuitTid: string | null },
  asked: number,
): ListingCursor | null {
  if (rows.length < asked) return null
  const last = lastSecond(rows, cursor)
  if (last === null || sameSecond(last, cursor.since)) return deeper(cursor, rows)
  if (cursor.since !== null && secondOf(last) < secondOf(cursor.since)) {
    const message = 'QuickBooks served rows from before the time that was asked for'
    throw new LedgerError('unavailable', message, { details: { intuitTid } })
  }
  return { by: cursor.by, since: last, offset: 0, seen: idsOfSecond(rows, cursor, last) }
}

/** The cursor after the single row at its place. */
export function passOver(cursor: ListingCursor): ListingCursor {
  return { ...cursor, offset: cursor.offset + 1 }
}

/** The place of a row, for people, such as `CreateTime>=2026-11-02T09:00:00-08:00 #17`, counted from 1. */
export function positionOf(cursor: ListingCursor, index: number): string {
  const since = cursor.since === null ? '' : `>=${cursor.since}`
  return `${sortFieldOf(cursor)}${since} #${cursor.offset + index + 1}`
}

/** Tells which rows of a page were already taken from an earlier one. */
export function seenAt(cursor: ListingCursor): (row: ListedRow) => boolean {
  const seen = new Set(cursor.seen)
  return (row) => {
    const id = row.mapped.qboId
    return id !== null && seen.has(id) && isInSecond(row, cursor, cursor.since)
  }
}

/** The time by which the listing is sorted. */
export function timeOf(row: ListedRow, { by }: ListingCursor): string | null {
  return by === 'created' ? row.createTime : row.lastUpdatedTime
}

/**
 * Only ids that will be read again are kept: one second of an import holds tens of thousands, and the place is saved
 * with every page. A row that is repeated for another reason is taken again.
 */
function deeper(cursor: ListingCursor, rows: readonly ListedRow[]): ListingCursor {
  // At least one, even in small pages, unless the listing would then never advance.
  const reread = rows.length === 1 ? 0 : Math.max(1, Math.floor(rows.length * REREAD_SHARE))
  const again = rows.slice(rows.length - reread)
  return {
    ...cursor,
    offset: cursor.offset + rows.length - reread,
    seen: cursor.since === null ? [] : idsOfSecond(again, cursor, cursor.since),
  }
}

/** The latest, wherever it is: rows may come out of order. */
function lastSecond(rows: readonly ListedRow[], cursor: ListingCursor): string | null {
  return rows
    .map((row) => timeOf(row, cursor))
    .reduce(
      (last, time) => (time !== null && (last === null || secondOf(time) > secondOf(last)) ? time : last),
      null,
    )
}

function idsOfSecond(rows: readonly ListedRow[], cursor: ListingCursor, second: string): string[] {
  return rows.flatMap((row) => {
    const id = row.mapped.qboId
    return id !== null && isInSecond(row, cursor, second) ? [id] : []
  })
}

function isInSecond(row: ListedRow, cursor: ListingCursor, second: string | null): boolean {
  const time = timeOf(row, cursor)
  return time !== null && sameSecond(time, second)
}

function sameSecond(time: string, other: string | null): boolean {
  return other !== null && secondOf(time) === secondOf(other)
}

/** Epoch seconds: one moment may be written with several offsets. */
function secondOf(time: string): number {
  return Math.floor(new Date(time).getTime() / 1000)
}
