import type { Page, Reject } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import type { LedgerError } from '../domain/ledger-error.ts'
import { listingQuery } from './build-query.ts'
import { earliest } from './envelope.ts'
import type { ListedRow, QueryAnswer } from './listed-row.ts'
import {
  advance,
  passOver,
  positionOf,
  seenAt,
  sortFieldOf,
  timeOf,
  type ListingCursor,
} from './listing-cursor.ts'
import { partRows } from './map-rows.ts'
import { FEWEST_FOR_TIME, fewerMayDo, type PageSizes } from './page-sizes.ts'
import { invalidField } from './payload-fields.ts'
import { isPoisoned, readAroundPoison, rejectAt, type ReadSlice, type Slice } from './poisoned-page.ts'

export interface ListingPage {
  readonly page: Page
  /** Null after the last page. */
  readonly next: ListingCursor | null
}

// Each may take two minutes; the next run continues with fewer rows.
const MOST_LATE_ANSWERS = 3

/**
 * The next page of a listing. A page too large for QuickBooks to serve in time, or for us to hold, is requested again
 * with fewer rows. A page that QuickBooks cannot serve because of one record is read in smaller pieces until that
 * record is isolated. It becomes a reject, as does a record that is too heavy by itself; the page may then be shorter
 * than others although the listing continues.
 */
export async function listPage(
  entity: Entity,
  cursor: ListingCursor,
  query: (conditions: string) => Promise<QueryAnswer>,
  sizes: PageSizes,
): Promise<ListingPage> {
  const readSlice: ReadSlice = async (from, rows) => {
    const { since, offset } = from
    const conditions = listingQuery(entity, { field: sortFieldOf(from), since, offset, rows })
    return { ...(await query(conditions)), from }
  }
  const tooHeavy: Reject[] = []
  let at = cursor
  let lateAnswers = 0
  for (;;) {
    const rows = sizes.rows(entity)
    try {
      const slice = await readSlice(at, rows)
      await sizes.noteServed(entity, rows, slice)
      return toPage([slice], tooHeavy, advance(at, slice, rows))
    } catch (error) {
      const why = fewerMayDo(error)
      if (why === 'heavy' && rows === 1) {
        tooHeavy.push(rejectAt(at, error as LedgerError))
        at = passOver(at)
      } else if (why === 'heavy' || (why === 'late' && rows > FEWEST_FOR_TIME)) {
        await sizes.noteTooMuch(entity, rows, why)
        if (why === 'late') lateAnswers += 1
        if (lateAnswers === MOST_LATE_ANSWERS) throw error
      } else {
        if (!isPoisoned(error)) throw error
        const around = await readAroundPoison(at, rows, readSlice)
        return toPage(around.slices, [...tooHeavy, ...around.rejects], around.next)
      }
    }
  }
}

function toPage(
  slices: readonly Slice[],
  unreadable: readonly Reject[],
  next: ListingCursor | null,
): ListingPage {
  const parts = slices.map(partSlice)
  const page = {
    changes: parts.flatMap(({ changes }) => changes),
    rejects: [...parts.flatMap(({ rejects }) => rejects), ...unreadable],
    observedAt: earliest(slices),
  }
  return { page, next }
}

function partSlice({ from, rows }: Slice) {
  const isSeen = seenAt(from)
  const places = rows.map((row, index) => ({ row, index })).filter(({ row }) => !isSeen(row))
  return partRows(
    places,
    ({ row }) => placed(row, from),
    (index) => positionOf(from, places[index]?.index ?? 0),
  )
}

/** A row without the time that the listing is sorted by has no place in it. */
function placed(row: ListedRow, from: ListingCursor): ListedRow['mapped'] {
  const { mapped } = row
  if (!('kind' in mapped) || timeOf(row, from) !== null) return mapped
  const reason = invalidField(`MetaData.${sortFieldOf(from)}`, undefined, 'a time with an offset')
  const payload = mapped.kind === 'version' ? mapped.raw : ''
  return { qboId: mapped.qboId, position: null, payload, reason }
}
