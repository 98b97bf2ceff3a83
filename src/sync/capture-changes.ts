import type { Change, Page, Tombstone } from '../domain/change.ts'
import { isDisputed } from '../domain/decide.ts'
import type { Entity } from '../domain/entity.ts'
import type { ChangesAnswer } from '../quickbooks/quickbooks.ts'
import { readKnown } from './known-records.ts'
import { listChanges, listEntity } from './list-entity.ts'
import { countsAgree } from './settle-listing.ts'
import { stateOf, type Run } from './run.ts'
import { takePage } from './take-page.ts'

// How far behind the watermark we ask again: no figure for QuickBooks' own lag between a write and its showing in
// change data capture is known, and LastUpdatedTime has second precision.
const OVERLAP_MS = 5 * 60_000

/**
 * Takes what changed since the watermarks, by one call for all entities. An answer at the cap says nothing of what
 * it left out: then each entity is asked for alone, and one that is still too much is listed by its changes.
 *
 * @returns QuickBooks' time of the first answer.
 */
export async function captureChanges(run: Run, entities: readonly Entity[]): Promise<Date> {
  const answer = await run.reader.changes(entities, askSince(run, entities))
  for (const entity of entities) {
    if (answer.overflow) await captureEntity(run, entity)
    else await takeAnswer(run, entity, answer)
  }
  return answer.observedAt
}

async function captureEntity(run: Run, entity: Entity): Promise<void> {
  const since = askSince(run, [entity])
  const answer = await run.reader.changes([entity], since)
  if (!answer.overflow) return takeAnswer(run, entity, answer)
  await listChanges(run, entity, since)
  // Deletes beyond the cap are nowhere to be read: the count shows whether there were any.
  if (await countsAgree(run, entity)) run.watermarks.set(entity, answer.observedAt)
  else await listEntity(run, entity, answer.observedAt)
}

async function takeAnswer(run: Run, entity: Entity, answer: ChangesAnswer): Promise<void> {
  const page = answer.pages.get(entity)
  if (page) await takeTold(run, entity, page)
  run.watermarks.set(entity, answer.observedAt)
}

/** Takes a page of changes, asking by id for records whose tombstone contradicts what we saw later. */
async function takeTold(run: Run, entity: Entity, page: Page): Promise<void> {
  const disputed = await findDisputed(run, entity, page.changes)
  const undisputed = page.changes.filter((change) => !disputed.has(change.qboId) || change.kind === 'version')
  await takePage(run, entity, { ...page, changes: undisputed }, { authoritative: false })
  if (disputed.size === 0) return
  const { page: alive, missing } = await run.reader.byIds(entity, [...disputed.keys()])
  await takePage(run, entity, alive, { authoritative: true })
  const confirmed = missing.flatMap((qboId) => disputed.get(qboId) ?? [])
  await takePage(run, entity, { ...page, changes: confirmed, rejects: [] }, { authoritative: true })
}

async function findDisputed(
  run: Run,
  entity: Entity,
  changes: readonly Change[],
): Promise<ReadonlyMap<string, Tombstone>> {
  const tombstones = changes.filter((change) => change.kind === 'tombstone')
  if (tombstones.length === 0) return new Map()
  const ids = tombstones.map((tombstone) => tombstone.qboId)
  const known = await readKnown(run.database.knex, run.realmId, entity, ids)
  return new Map(
    tombstones
      .filter((tombstone) =>
        isDisputed(tombstone, known.get(tombstone.qboId) ?? { record: null, buried: null }),
      )
      .map((tombstone) => [tombstone.qboId, tombstone]),
  )
}

function askSince(run: Run, entities: readonly Entity[]): Date {
  const watermarks = entities.flatMap((entity) => stateOf(run, entity).watermark?.getTime() ?? [])
  return new Date(Math.min(...watermarks) - OVERLAP_MS)
}
