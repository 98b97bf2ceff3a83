import type { Database } from '../db/database.ts'
import { ENTITIES, type Entity } from '../domain/entity.ts'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import type { Drift } from '../domain/drift.ts'
import { noCounts, type EntityCounts, type Mode, type Trigger } from '../domain/sync-run.ts'
import type { ListingCursor } from '../quickbooks/listing-cursor.ts'
import type { CompanyReader } from '../quickbooks/quickbooks.ts'

/** A complete listing of one entity, as it is kept in `sync_states.listing` between its pages. */
export interface Listing {
  /** QuickBooks' time of the first answer of the run that began it: the watermark once it is finished. */
  readonly startedAt: string
  /** The company's request number when it began: a later request for a full run starts over. */
  readonly request: number
  /** Where the next page begins; null when the last one was taken. */
  readonly cursor: ListingCursor | null
}

export interface EntityState {
  readonly watermark: Date | null
  /** By our clock, when the run ended that set the watermark. */
  readonly lastSyncedAt: Date | null
  readonly listing: Listing | null
  readonly mappingVersion: number
}

/** One run under way. Everything that a step learns for the steps after it is kept here. */
export interface Run {
  readonly id: number
  readonly realmId: string
  readonly trigger: Trigger
  mode: Mode
  /** The company's request number before the first fetch. */
  readonly servedRequest: number
  /** The number of the latest request for a full run. */
  readonly fullRequest: number
  readonly startedAt: Date
  readonly states: ReadonlyMap<Entity, EntityState>
  /** Entities that had unresolved rejects when the run began. */
  readonly openRejects: ReadonlySet<Entity>
  homeCurrency: string | null
  /** Failed runs of the company right before this one. */
  readonly failuresInARow: number
  readonly database: Database
  readonly reader: CompanyReader
  /** QuickBooks' time of the run's first answer; null before it. */
  firstAnswerAt: Date | null
  /** What the finished run will set each watermark to. */
  readonly watermarks: Map<Entity, Date>
  readonly counts: Map<Entity, EntityCounts>
  /** What complete listings found that nobody had told of. */
  readonly drift: Map<Entity, Drift[]>
  /** Entities of which change data capture told everything, deletes included, before they were listed. */
  readonly toldFirst: Set<Entity>
  /** Calls that no committed transaction has recorded yet. */
  unrecordedCalls: QuickBooksCall[]
  requests: number
  meteredCalls: number
}

// How far behind the watermark we ask again: no figure for QuickBooks' own lag between a write and its showing in
// change data capture is known, and LastUpdatedTime has second precision.
export const OVERLAP_MS = 5 * 60_000

/** Whether a watermark lies further ahead of an answer than the overlap, which servers that differ do not explain. */
export function isAhead(watermark: Date | null, answeredAt: Date): boolean {
  return watermark !== null && watermark.getTime() - answeredAt.getTime() > OVERLAP_MS
}

export function stateOf(run: Run, entity: Entity): EntityState {
  return run.states.get(entity) ?? { watermark: null, lastSyncedAt: null, listing: null, mappingVersion: 0 }
}

export function countsOf(run: Run, entity: Entity): EntityCounts {
  const known = run.counts.get(entity)
  if (known) return known
  const fresh = noCounts()
  run.counts.set(entity, fresh)
  return fresh
}

// Change data capture covers what happened since a listing began for 30 days; a day-old one is cheaper begun anew
// than explained.
const LISTING_RESUMABLE_MS = 86_400_000

/** The listing of an entity that an earlier run left unfinished and that this one may go on with. */
export function resumableListing(run: Run, entity: Entity): Listing | null {
  const { listing } = stateOf(run, entity)
  if (!listing || listing.request < run.fullRequest) return null
  const ageMs = run.startedAt.getTime() - new Date(listing.startedAt).getTime()
  return ageMs < LISTING_RESUMABLE_MS ? listing : null
}

/**
 * The newest request that the run serves when it finishes. Where it goes on with a listing, what was listed before is
 * as old as that listing: a request made since, perhaps because of a later change, takes one more run.
 */
export function servedRequestOf(run: Run): number {
  const resumed = ENTITIES.flatMap((entity) => resumableListing(run, entity)?.request ?? [])
  return Math.min(run.servedRequest, ...resumed)
}

/** When the complete listings of a run began, those included that it goes on with. */
export function listedSince(run: Run): Date {
  const resumed = ENTITIES.flatMap((entity) => resumableListing(run, entity)?.startedAt ?? [])
  return new Date(Math.min(run.startedAt.getTime(), ...resumed.map((at) => new Date(at).getTime())))
}
