import type { Reject } from '../domain/change.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import type { QueryAnswer } from './listed-row.ts'
import { advance, passOver, positionOf, type ListingCursor } from './listing-cursor.ts'
import { fewerMayDo } from './page-sizes.ts'

/** The rows that one query returned, and the place it read from. */
export interface Slice extends QueryAnswer {
  readonly from: ListingCursor
}

export type ReadSlice = (from: ListingCursor, rows: number) => Promise<Slice>

/** What could be read of a page that could not be served whole, and where to continue. */
export interface AroundPoison {
  readonly slices: readonly Slice[]
  readonly rejects: readonly Reject[]
  readonly next: ListingCursor | null
}

interface Suspect {
  readonly at: ListingCursor
  readonly error: LedgerError
}

// This many unservable records in a row, with none before or far after them that can be served, mean that QuickBooks is
// down, not that the records are damaged.
const MOST_SUSPECTS = 5
// An import may have damaged more. Each costs two calls, and the next page begins after them.
const MOST_SUSPECTS_AMONG_OTHERS = 100

/**
 * True when one of the requested records may be why nothing was served. A call without any answer says nothing about
 * records.
 */
export function isPoisoned(error: unknown): error is LedgerError {
  return fewerMayDo(error) !== undefined && (error as LedgerError).details.httpStatus !== undefined
}

/**
 * Reads up to the record that breaks the page, by halving, then looks after it: one row that can be served there shows
 * that QuickBooks works. Then the record is requested once more, and becomes a reject only if it fails again. About
 * log2(asked) + 3 calls for one record.
 *
 * @param asked how many rows were requested at the cursor when the page failed
 * @throws LedgerError the fault itself, when nothing around the record can be served either
 */
export async function readAroundPoison(
  cursor: ListingCursor,
  asked: number,
  readSlice: ReadSlice,
): Promise<AroundPoison> {
  const before = await readUpToPoison(cursor, asked, readSlice)
  if (before.suspect === null) return { slices: before.slices, rejects: [], next: before.next }
  const behind = await readBehind(before.suspect, before.slices.length > 0, readSlice)
  const again = await askAgain(behind.suspects, readSlice)
  return {
    slices: [...before.slices, ...behind.slices, ...again.slices],
    rejects: again.rejects,
    next: behind.next,
  }
}

/** The reject for a record that QuickBooks cannot serve; only its place identifies it. */
export function rejectAt(at: ListingCursor, { message, details }: LedgerError): Reject {
  return {
    qboId: null,
    position: positionOf(at, 0),
    payload: '',
    reason: new LedgerError('poisoned_page', `QuickBooks cannot serve this record: ${message}`, { details }),
  }
}

/** Halving: `within` is how many rows at the cursor certainly include the unservable record. */
async function readUpToPoison(cursor: ListingCursor, asked: number, readSlice: ReadSlice) {
  const slices: Slice[] = []
  let at = cursor
  let within = asked
  while (within > 0) {
    const rows = Math.ceil(within / 2)
    const taken = await attempt(at, rows, readSlice)
    if (taken instanceof LedgerError) {
      if (rows === 1) return { slices, suspect: { at, error: taken }, next: null }
      within = rows
      continue
    }
    slices.push(taken)
    const next = advance(at, taken, rows)
    if (next === null) return { slices, suspect: null, next }
    within -= rowsPassed(at, next, taken)
    at = next
  }
  return { slices, suspect: null, next: at }
}

/** One row at a time after the first suspect, until one can be served. */
async function readBehind(first: Suspect, othersServed: boolean, readSlice: ReadSlice) {
  const suspects = [first]
  let most = othersServed ? MOST_SUSPECTS_AMONG_OTHERS : MOST_SUSPECTS
  let at = passOver(first.at)
  for (;;) {
    const taken = await attempt(at, 1, readSlice)
    if (!(taken instanceof LedgerError)) {
      return { suspects, slices: [taken], next: advance(at, taken, 1) }
    }
    suspects.push({ at, error: taken })
    if (suspects.length > most) {
      if (most === MOST_SUSPECTS_AMONG_OTHERS || !(await isServedFarBehind(at, readSlice))) throw taken
      most = MOST_SUSPECTS_AMONG_OTHERS
    }
    at = passOver(at)
  }
}

/** An empty answer proves nothing: it may be the only kind that QuickBooks can still give. */
async function isServedFarBehind(at: ListingCursor, readSlice: ReadSlice): Promise<boolean> {
  const far = await attempt({ ...at, offset: at.offset + MOST_SUSPECTS_AMONG_OTHERS }, 1, readSlice)
  return !(far instanceof LedgerError) && far.rows.length > 0
}

async function askAgain(suspects: readonly Suspect[], readSlice: ReadSlice) {
  const slices: Slice[] = []
  const rejects: Reject[] = []
  for (const { at } of suspects) {
    const taken = await attempt(at, 1, readSlice)
    if (taken instanceof LedgerError) rejects.push(rejectAt(at, taken))
    else slices.push(taken)
  }
  return { slices, rejects }
}

async function attempt(at: ListingCursor, rows: number, readSlice: ReadSlice): Promise<Slice | LedgerError> {
  try {
    return await readSlice(at, rows)
  } catch (error) {
    if (isPoisoned(error)) return error
    throw error
  }
}

/** How far the place advanced, in rows: those of the last second are served again. */
function rowsPassed(at: ListingCursor, next: ListingCursor, { rows }: Slice): number {
  const isSameSecond = next.offset > 0
  return isSameSecond ? next.offset - at.offset : rows.length - next.seen.length
}
