import { LedgerError } from '../domain/ledger-error.ts'
import type { SortField } from './build-query.ts'
import { idOf } from './mappers.ts'
import { parseMoment, toSecond } from './moment.ts'
import { isJsonObject, type Json } from '../domain/parse-json.ts'

/** A place inside one listing: plain JSON, so that it can be kept between two runs. */
export interface ListingCursor {
  /** Complete listings go by creation, which never moves; listings of changes by LastUpdatedTime. */
  readonly by: 'created' | 'changed'
  /** The second from which the next page is read, as QuickBooks wrote it; null for the very beginning. */
  readonly since: string | null
  /** Rows to pass over within the second `since`. */
  readonly offset: number
  /** Ids of that second that were taken already, and are served again. */
  readonly seen: string[]
}

export function startListing(by: ListingCursor['by'], since: Date | null): ListingCursor {
  return { by, since: since && toSecond(since), offset: 0, seen: [] }
}

export function sortFieldOf({ by }: ListingCursor): SortField {
  return by === 'created' ? 'CreateTime' : 'LastUpdatedTime'
}

// Of a page that lies inside one second, the part that is read again behind it: so many rows of that second may go
// away meanwhile without a row being passed over.
const REREAD_SHARE = 0.1

/**
 * Where the page after these rows begins: at the last second in it, whose rows are served again, so that nothing is
 * skipped when one of them goes away; inside one second, behind most of its rows. Null when the rows were fewer than
 * asked for: the listing is over. A page may also hold a row more than asked for.
 *
 * @throws LedgerError `unavailable` when the rows lie before the place that was asked for: going on from there would
 *   never end.
 */
export function advance(
  cursor: ListingCursor,
  { rows, intuitTid }: { readonly rows: readonly Json[]; readonly intuitTid: string | null },
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

/** The cursor behind the one row at its place. */
export function passOver(cursor: ListingCursor): ListingCursor {
  return { ...cursor, offset: cursor.offset + 1 }
}

/** The place of a row for a person, such as `CreateTime>=2026-11-02T09:00:00-08:00 #17`, counted from 1. */
export function positionOf(cursor: ListingCursor, index: number): string {
  const since = cursor.since === null ? '' : `>=${cursor.since}`
  return `${sortFieldOf(cursor)}${since} #${cursor.offset + index + 1}`
}

/** True for a row that was taken from an earlier page. */
export function isSeen(cursor: ListingCursor, row: Json): boolean {
  const id = idOf(row)
  const time = timeOf(row, cursor)
  return id !== null && time !== null && cursor.seen.includes(id) && sameSecond(time, cursor.since)
}

/** The time by which the listing is sorted, as QuickBooks wrote it, to the second; null when it cannot be read. */
export function timeOf(row: Json, cursor: ListingCursor): string | null {
  const metaData = isJsonObject(row) ? row['MetaData'] : undefined
  const time = isJsonObject(metaData) ? metaData[sortFieldOf(cursor)] : undefined
  return typeof time === 'string' && parseMoment(time) ? time.replace(/\.\d+/, '') : null
}

function deeper(cursor: ListingCursor, rows: readonly Json[]): ListingCursor {
  const offset = cursor.offset + rows.length - Math.floor(rows.length * REREAD_SHARE)
  const taken = cursor.since === null ? [] : idsOfSecond(rows, cursor, cursor.since)
  return { ...cursor, offset, seen: [...new Set([...cursor.seen, ...taken])] }
}

/** The latest, wherever it stands: rows may come out of order. */
function lastSecond(rows: readonly Json[], cursor: ListingCursor): string | null {
  return rows
    .map((row) => timeOf(row, cursor))
    .reduce(
      (last, time) => (time !== null && (last === null || secondOf(time) > secondOf(last)) ? time : last),
      null,
    )
}

function idsOfSecond(rows: readonly Json[], cursor: ListingCursor, second: string): string[] {
  return rows.flatMap((row) => {
    const time = timeOf(row, cursor)
    const id = idOf(row)
    return time !== null && id !== null && sameSecond(time, second) ? [id] : []
  })
}

function sameSecond(time: string, other: string | null): boolean {
  return other !== null && secondOf(time) === secondOf(other)
}

/** Epoch seconds: one moment may be written with several offsets. */
function secondOf(time: string): number {
  return Math.floor(new Date(time).getTime() / 1000)
}
