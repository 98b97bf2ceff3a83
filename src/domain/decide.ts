import type { Change, Version } from './change.ts'

/** What becomes of one change when it meets what the mirror holds. */
export type Decision =
  'inserted' | 'updated' | 'touched' | 'unchanged' | 'stale' | 'deleted' | 'buried' | 'revived'

/** What the mirror holds of one record. */
export interface KnownRecord {
  readonly contentHash: string
  readonly syncToken: string | null
  readonly sourceUpdatedAt: Date
  readonly observedAt: Date
  readonly deleted: boolean
}

/** What the mirror knows of one id: the record, or the tombstone of one it never saw, or nothing. */
export interface Known {
  readonly record: KnownRecord | null
  readonly buried: { readonly sourceUpdatedAt: Date; readonly observedAt: Date } | null
  /** Every column holds what the change says. Looked up only where `isReadOtherwise`; else nobody knows. */
  readonly sameColumns?: boolean
}

export interface Reading {
  /** The `time` of the answer that brought the change. */
  readonly observedAt: Date
  /**
   * Read by a listing or by id, not by change data capture: it shows what QuickBooks has now, so it wins over any
   * copy that claims to be newer and was read before it.
   */
  readonly authoritative: boolean
  /** The `time` of the first answer of the run that reads. */
  readonly runBeganAt: Date
}

/**
 * Which copy wins: the older LastUpdatedTime is stale; with equal ones the later answer wins, because
 * LastUpdatedTime has second precision and balances change without it; an authoritative reading overrides both, unless
 * it was answered before the run began and before the one that brought what is held.
 */
export function decide(change: Change, known: Known, reading: Reading): Decision {
  if (!known.record) return decideUnseen(change, known.buried, reading)
  if (!isLatestWord(reading, known.record) && isStale(change, known.record, reading)) return 'stale'
  if (change.kind === 'tombstone') return known.record.deleted ? 'unchanged' : 'deleted'
  if (known.record.deleted) return 'revived'
  if (change.contentHash === known.record.contentHash) {
    return hasSameStamps(change, known.record) ? 'unchanged' : 'touched'
  }
  return isReadOtherwise(change, known) && known.sameColumns === true ? 'unchanged' : 'updated'
}

/**
 * True for a live record that carries the SyncToken and the LastUpdatedTime of what is held, and other content: as a
 * rule it was read in another way, for change data capture, queries and readings by id leave out and add other parts.
 * Only its columns tell whether QuickBooks changed it without a sign. Without a SyncToken it may as well be the second
 * edit within one second.
 */
export function isReadOtherwise(change: Change, { record }: Known): change is Version {
  return (
    change.kind === 'version' &&
    record !== null &&
    !record.deleted &&
    change.contentHash !== record.contentHash &&
    change.syncToken !== null &&
    hasSameStamps(change, record)
  )
}

function hasSameStamps(version: Version, record: KnownRecord): boolean {
  return (
    version.syncToken === record.syncToken &&
    version.sourceUpdatedAt.getTime() === record.sourceUpdatedAt.getTime()
  )
}

/**
 * True for a tombstone of a record that an answer given after the alleged delete showed alive: either a false
 * tombstone or a delete that the answer had not seen yet. Only asking for the record by its id tells which.
 * A tombstone in one answer with the live record contradicts itself, and is for the caller to see.
 */
export function isDisputed(change: Change, known: Known): boolean {
  return (
    change.kind === 'tombstone' &&
    known.record !== null &&
    !known.record.deleted &&
    known.record.observedAt.getTime() > change.sourceUpdatedAt.getTime()
  )
}

/**
 * An authoritative answer shows what QuickBooks had when it gave it, and not what it showed somebody since: one from
 * before the run was delivered late. One of this run has the last word even where what is held was observed later, for
 * then QuickBooks' clock was put back.
 */
function isLatestWord(reading: Reading, than: { readonly observedAt: Date }): boolean {
  const isRecent = reading.observedAt >= reading.runBeganAt || reading.observedAt >= than.observedAt
  return reading.authoritative && isRecent
}

function decideUnseen(change: Change, buried: Known['buried'], reading: Reading): Decision {
  if (change.kind === 'tombstone') return buried ? 'unchanged' : 'buried'
  if (!buried || isLatestWord(reading, buried)) return 'inserted'
  return isOlder(change.sourceUpdatedAt, reading.observedAt, buried) ? 'stale' : 'inserted'
}

function isStale(change: Change, record: KnownRecord, reading: Reading): boolean {
  return isOlder(change.sourceUpdatedAt, reading.observedAt, record)
}

function isOlder(
  sourceUpdatedAt: Date,
  observedAt: Date,
  than: { readonly sourceUpdatedAt: Date; readonly observedAt: Date },
): boolean {
  const difference = sourceUpdatedAt.getTime() - than.sourceUpdatedAt.getTime()
  return difference < 0 || (difference === 0 && observedAt.getTime() < than.observedAt.getTime())
}
