import type { Change, Version } from './change.ts'

/** What becomes of one change, given what the mirror holds. */
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
  /** Every column already holds what the change says. Looked up only if `isReadOtherwise`; otherwise unknown. */
  readonly sameColumns?: boolean
}

export interface Reading {
  /** The `time` of the answer that brought the change. */
  readonly observedAt: Date
  /**
   * Read by a listing or by id, not by change data capture: it shows what QuickBooks has now, so it beats any earlier
   * reading, even one that claims to be newer.
   */
  readonly authoritative: boolean
  /** The `time` of the first answer of the current run. */
  readonly runBeganAt: Date
}

/**
 * Which copy wins: an older LastUpdatedTime is stale; if equal, the later answer wins, because LastUpdatedTime has
 * second precision and balances change without moving it. An authoritative reading overrides both, unless its answer
 * dates from before the run and before the answer that brought the held copy.
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
 * True for a live record with the held SyncToken and LastUpdatedTime but different content. As a rule it was just read
 * another way: change data capture, queries and readings by id each leave out and add different parts. Only its columns
 * tell whether QuickBooks changed it silently. Without a SyncToken it may also be a second edit within one second.
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
 * True for a tombstone of a record that an answer given after the alleged delete showed alive: either the tombstone is
 * false or that answer had not caught up with the delete. Only reading the record by id tells which. A tombstone beside
 * its live record in one answer is for the caller to notice.
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
 * An authoritative answer shows what QuickBooks had when it answered, not what it has shown since: one from before the
 * run was delivered late. One from this run wins even if the held copy was observed later, because then QuickBooks'
 * clock was set back.
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
