import type { ConnectionMark } from '../connections/replaced.ts'
import type { Database } from '../db/database.ts'
import { ENTITIES, type Entity } from '../domain/entity.ts'
import type { ErrorCode, LedgerError } from '../domain/ledger-error.ts'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import type { Drift } from '../domain/drift.ts'
import { noCounts, type EntityCounts, type Mode, type Trigger } from '../domain/sync-run.ts'
import type { ListingCursor } from '../quickbooks/listing-cursor.ts'
import type { CompanyReader } from '../quickbooks/quickbooks.ts'
import type { RunPace } from './run-pace.ts'

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
  /** How many rows a page of it asks for; null: as many as QuickBooks serves. */
  readonly pageRows: number | null
  /** QuickBooks' time up to which changes were taken while the watermark stood still. */
  readonly capturedUntil: Date | null
  readonly trouble: StandingTrouble | null
}

/** What has to succeed before the watermark of an entity in error moves again. */
export type Owed = 'capture' | 'listing'

/** Why the watermark of one entity stands still. */
export interface StandingTrouble {
  readonly code: ErrorCode
  readonly message: string
  readonly intuitTid: string | null
  readonly failures: number
  readonly notBefore: Date | null
  readonly owes: Owed
}

/** Why this run could not take an entity. */
export interface RunTrouble {
  readonly error: LedgerError
  readonly owes: Owed
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
  /** A person asked since the last finished run: entities in error do not wait. */
  readonly byPerson: boolean
  /** Aborted when the process stops or the lease is lost: then no failure is an entity's own. */
  readonly signal: AbortSignal
  readonly startedAt: Date
  readonly states: ReadonlyMap<Entity, EntityState>
  /** Entities that have unresolved rejects. */
  readonly openRejects: Set<Entity>
  homeCurrency: string | null
  /** Failed runs of the company right before this one. */
  readonly failuresInARow: number
  /** When the company was given the status that it had as the run began. */
  readonly statusChangedAt: Date
  /** The tokens that the run used last; undefined before it used any. */
  connection: ConnectionMark | undefined
  readonly database: Database
  /** Asked between the pages of a listing: whether to end here and go on in a later run, because others wait. */
  readonly mustGiveWay: () => Promise<boolean>
  readonly reader: CompanyReader
  readonly pace: RunPace
  /** QuickBooks' time of the run's first answer; null before it. */
  firstAnswerAt: Date | null
  /** What the finished run will set each watermark to. */
  readonly watermarks: Map<Entity, Date>
  /** QuickBooks' time up to which changes of each entity were taken, also where its watermark does not move. */
  readonly captured: Map<Entity, Date>
  /** Entities that could not be taken. */
  readonly troubles: Map<Entity, RunTrouble>
  /** Entities whose listing came further and is not at its end. */
  readonly advanced: Set<Entity>
  /** Whether QuickBooks let at least one entity be read. */
  isServed: boolean
  /** Whether most of the company was found to be gone, which is asked for once. */
  isVanishing: boolean
  readonly counts: Map<Entity, EntityCounts>
  /** What complete listings found that nobody had told of. */
  readonly drift: Map<Entity, Drift[]>
  /** Entities of which change data capture told everything, deletes included, before they were listed. */
  readonly toldFirst: Set<Entity>
  /** Calls that no committed transaction has recorded yet. */
  unrecordedCalls: QuickBooksCall[]
  requests: number
  meteredCalls: number
  /** Set when it ended a listing for others' sake: what was listed is kept. */
  gaveWay: boolean
}

/** What a run has learnt and done before its first call. */
export function nothingTaken() {
  return {
    firstAnswerAt: null,
    watermarks: new Map(),
    captured: new Map(),
    troubles: new Map(),
    advanced: new Set(),
    isServed: false,
    isVanishing: false,
    counts: new Map(),
    drift: new Map(),
    toldFirst: new Set(),
    unrecordedCalls: [],
    requests: 0,
    meteredCalls: 0,
    connection: undefined,
    gaveWay: false,
  } satisfies Partial<Run>
}

// How far behind the watermark we ask again: no figure for QuickBooks' own lag between a write and its showing in
// change data capture is known, and LastUpdatedTime has second precision.
export const OVERLAP_MS = 5 * 60_000

/**
 * For a statement that ends a run and updates its company: when the last calls left, by Postgres' clock, because that
 * of the next run's process may differ from ours. Takes `callAgesMs`.
 */
export const RECENT_CALLS = `ARRAY(
  SELECT clock_timestamp() - make_interval(secs => age_ms / 1000) FROM unnest(CAST(:callAgesMs AS float8[])) AS age_ms)`

/** Whether a watermark lies further ahead of an answer than the overlap, which servers that differ do not explain. */
export function isAhead(watermark: Date | null, answeredAt: Date): boolean {
  return watermark !== null && watermark.getTime() - answeredAt.getTime() > OVERLAP_MS
}

export function stateOf(run: Run, entity: Entity): EntityState {
  return run.states.get(entity) ?? NEVER_SYNCED
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

/** From where change data capture goes on; null where no listing was ever finished. */
export function capturedFrom(run: Run, entity: Entity): Date | null {
  const { watermark, capturedUntil } = stateOf(run, entity)
  return watermark && capturedUntil && capturedUntil > watermark ? capturedUntil : watermark
}

/** Notes up to when changes were taken. The watermark follows, unless it waits for a listing. */
export function noteCaptured(run: Run, entity: Entity, until: Date): void {
  run.captured.set(entity, until)
  if (stateOf(run, entity).trouble?.owes !== 'listing') run.watermarks.set(entity, until)
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
 * as old as that listing: a request made since, perhaps because of a later change, takes one more run. One that stays
 * unfinished is owed by its entity, whatever is asked for.
 */
export function servedRequestOf(run: Run): number {
  const finished = ENTITIES.filter((entity) => run.watermarks.has(entity))
  const resumed = finished.flatMap((entity) => resumableListing(run, entity)?.request ?? [])
  return Math.min(run.servedRequest, ...resumed)
}

/** When the complete listings of a run began, those included that it goes on with. */
export function listedSince(run: Run): Date {
  const resumed = ENTITIES.flatMap((entity) => resumableListing(run, entity)?.startedAt ?? [])
  return new Date(Math.min(run.startedAt.getTime(), ...resumed.map((at) => new Date(at).getTime())))
}
