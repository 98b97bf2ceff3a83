import { ENTITIES, type Entity } from '../domain/entity.ts'
import { stateOf, type Listing } from './entity-state.ts'
import type { Run } from './run.ts'

// Change data capture covers 30 days of what happened since a listing began, but a listing that is a day old is cheaper
// to start anew than to explain.
const LISTING_RESUMABLE_MS = 86_400_000

/** The listing of an entity that an earlier run left unfinished and that this one may resume. */
export function resumableListing(run: Run, entity: Entity): Listing | null {
  const { listing } = stateOf(run, entity)
  if (!listing || listing.request < run.fullRequest) return null
  const ageMs = run.startedAt.getTime() - new Date(listing.startedAt).getTime()
  return ageMs < LISTING_RESUMABLE_MS ? listing : null
}

/**
 * The newest request that the run serves when it finishes. Where it resumes a listing, the part listed before is as old
 * as that listing: a request made since then, perhaps because of a later change, takes one more run. An unfinished
 * listing is owed by its entity, whatever is asked for.
 */
export function servedRequestOf(run: Run): number {
  const finished = ENTITIES.filter((entity) => run.watermarks.has(entity))
  const resumed = finished.flatMap((entity) => resumableListing(run, entity)?.request ?? [])
  return Math.min(run.servedRequest, ...resumed)
}

/** When the complete listings of a run began, resumed ones included. */
export function listedSince(run: Run): Date {
  const resumed = ENTITIES.flatMap((entity) => resumableListing(run, entity)?.startedAt ?? [])
  return new Date(Math.min(run.startedAt.getTime(), ...resumed.map((at) => new Date(at).getTime())))
}
