import type { Entity } from '../domain/entity.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import type { ListingCursor } from '../quickbooks/listing-cursor.ts'

/** What earlier runs left of one entity of a company: its row of `sync_states` as this run found it. */
export interface EntityState {
  readonly watermark: Date | null
  /** By our clock, when the run ended that set the watermark. */
  readonly lastSyncedAt: Date | null
  readonly listing: Listing | null
  readonly mappingVersion: number
  /** How many rows a page of it asks for; null: as many as QuickBooks serves. */
  readonly pageRows: number | null
  /** QuickBooks' time up to which changes were written while the watermark stood still. */
  readonly capturedUntil: Date | null
  readonly trouble: StandingTrouble | null
}

/** A complete listing of one entity, as it is kept in `sync_states.listing` between its pages. */
export interface Listing {
  /** QuickBooks' time of the first answer of the run that began it: the watermark once it is finished. */
  readonly startedAt: string
  /** The company's request number when it began: a later request for a full run starts over. */
  readonly request: number
  /** Where the next page begins; null when the last one was written. */
  readonly cursor: ListingCursor | null
  /** How far it has come, for whoever watches. Missing in listings from before it was counted. */
  readonly done?: { readonly pages: number; readonly rows: number }
  /** How many records there were when it began, here or in QuickBooks; null if that is not known. */
  readonly expected?: number | null
}

/** Why the watermark of one entity stands still. */
export interface StandingTrouble {
  readonly code: ErrorCode
  readonly message: string
  readonly intuitTid: string | null
  readonly failures: number
  readonly notBefore: Date | null
  readonly owes: Owed
}

/** What has to succeed before the watermark of an entity in error moves again. */
export type Owed = 'capture' | 'listing'

interface KnownStates {
  readonly states: ReadonlyMap<Entity, EntityState>
}

export function stateOf({ states }: KnownStates, entity: Entity): EntityState {
  return states.get(entity) ?? NEVER_SYNCED
}

const NEVER_SYNCED: EntityState = {
  watermark: null,
  lastSyncedAt: null,
  listing: null,
  mappingVersion: 0,
  pageRows: null,
  capturedUntil: null,
  trouble: null,
}

/** Where change data capture continues from; null where no listing was ever finished. */
export function capturedFrom(known: KnownStates, entity: Entity): Date | null {
  const { watermark, capturedUntil } = stateOf(known, entity)
  return watermark && capturedUntil && capturedUntil > watermark ? capturedUntil : watermark
}

// How far behind the watermark we ask again: it is not known how long QuickBooks takes to show a write in change data
// capture, and LastUpdatedTime has second precision.
export const OVERLAP_MS = 5 * 60_000

/** Whether a watermark lies further ahead of an answer than the overlap: more than servers' clocks differ. */
export function isAhead(watermark: Date | null, answeredAt: Date): boolean {
  return watermark !== null && watermark.getTime() - answeredAt.getTime() > OVERLAP_MS
}
