import type { Reject } from '../domain/change.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import type { QueryAnswer } from './listed-row.ts'
import { advance, passOver, positionOf, type ListingCursor } from './listing-cursor.ts'
import { fewerMayDo } from './page-sizes.ts'

/** The rows that one query gave, and from where. */
export interface Slice extends QueryAnswer {
  readonly from: ListingCursor
}

export type ReadSlice = (from: ListingCursor, rows: number) => Promise<Slice>

/** What could be read of a page that could not be served whole, and from where to go on. */
export interface AroundPoison {
  readonly slices: readonly Slice[]
  readonly rejects: readonly Reject[]
  readonly next: ListingCursor | null
}

interface Suspect {
  readonly at: ListingCursor
  readonly error: LedgerError
}

// So many records in a row that cannot be served, and none before or far behind them that can, are no damaged
// records, but a QuickBooks that does not work.
const MOST_SUSPECTS = 5
// An import may have damaged more of them. Each costs two calls, and another page begins behind them.
const MOST_SUSPECTS_AMONG_OTHERS = 100

/**
 * True where one of the records asked for may be why nothing was served. A call that was not answered at all says
 * nothing of records.
 */
export function isPoisoned(error: unknown): error is LedgerError {
  return fewerMayDo(error) !== undefined && (error as LedgerError).details.httpStatus !== undefined
}

/**
 * Reads up to the record that breaks the page, by halving, then looks behind it: one row that can be served there
 * shows that QuickBooks works. Then the record is asked for once more, and only if it fails again it is a reject.
 * About log2(asked) + 3 calls for one record.
 *
 * @param asked how many rows were asked for at the cursor when the page failed
 * @throws LedgerError the fault itself, when nothing beside it can be served either
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

/** What a record becomes that QuickBooks cannot serve; which one it is, its place alone tells. */
export function rejectAt(at: ListingCursor, { message, details }: LedgerError): Reject {
  return {
    qboId: null,
    position: positionOf(at, 0),
    payload: '',
    reason: new LedgerError('poisoned_page', `QuickBooks cannot serve this record: ${message}`, { details }),
  }
}

/** Halving: `within` is how many rows at the cursor are sure to hold the record that cannot be served. */
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

/** One row at a time behind the first suspect, until one can be served. */
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

/** An empty answer shows nothing: it may be the one kind that QuickBooks can still give. */
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

/** How far the place moved on, in rows: those of the last second are served again. */
function rowsPassed(at: ListingCursor, next: ListingCursor, { rows }: Slice): number {
  const isSameSecond = next.offset > 0
  return isSameSecond ? next.offset - at.offset : rows.length - next.seen.length
}
