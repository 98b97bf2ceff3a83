import type { Change, Page, Tombstone } from '../domain/change.ts'
import { isDisputed } from '../domain/decide.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError, toLedgerError } from '../domain/ledger-error.ts'
import { isPoisoned } from '../quickbooks/poisoned-page.ts'
import type { ChangesAnswer } from '../quickbooks/quickbooks.ts'
import { noteAlive, readKnown } from './known-records.ts'
import { listChanges, listEntity } from './list-entity.ts'
import { countsAgree } from './settle-listing.ts'
import { isAhead, OVERLAP_MS, stateOf, type Run } from './run.ts'
import { takePage } from './take-page.ts'

/**
 * Takes what changed since the watermarks, by one call for all entities. An answer at the cap says nothing of what
 * it left out, and one that a single record breaks says nothing at all: then each entity is asked for alone, and one
 * of which that cannot be told either is listed by its changes.
 *
 * @returns QuickBooks' time of the first answer.
 * @throws LedgerError `window_exceeded` when that lies before the watermarks: QuickBooks' clock was put back, or an
 *   old answer was delivered again. What changed in between is told by neither, so only complete listings find it.
 */
export async function captureChanges(run: Run, entities: readonly Entity[]): Promise<Date> {
  const first = await askChanges(run, entities, askSince(run, entities))
  const startedAt = first?.observedAt ?? (await run.reader.count(entities[0]!)).observedAt
  refuseAnswerOfThePast(run, entities, startedAt)
  run.firstAnswerAt ??= startedAt
  const lostMs = timeLostMs(run, entities, startedAt)
  const answer =
    first && lostMs > 0 ? await askChanges(run, entities, askSince(run, entities, lostMs)) : first
  for (const entity of entities) {
    if (!answer || answer.overflow) await captureEntity(run, entity, lostMs)
    else await takeAnswer(run, entity, answer)
  }
  return startedAt
}

/**
 * Takes what change data capture tells, where it tells all of it, ahead of a complete listing: a delete that
 * QuickBooks itself reports need not be inferred, and only what was not told counts as drift. Moves no watermark.
 *
 * @returns QuickBooks' time of the answer; null without one.
 */
export async function takeTombstonesFirst(run: Run, entities: readonly Entity[]): Promise<Date | null> {
  const answer = await askOrNull(run, entities)
  if (!answer) return null
  run.firstAnswerAt ??= answer.observedAt
  if (answer.overflow) return answer.observedAt
  for (const [entity, page] of answer.pages) await takeTold(run, entity, page)
  for (const entity of entities) run.toldFirst.add(entity)
  return answer.observedAt
}

/** @returns null where the listing has to do without: the window is exceeded, or a record breaks the answer. */
async function askOrNull(run: Run, entities: readonly Entity[]): Promise<ChangesAnswer | null> {
  try {
    return await run.reader.changes(entities, askSince(run, entities))
  } catch (error) {
    if (isPoisoned(error) || toLedgerError(error).code === 'window_exceeded') return null
    throw error
  }
}

async function captureEntity(run: Run, entity: Entity, lostMs: number): Promise<void> {
  const since = askSince(run, [entity], lostMs)
  const answer = await askChanges(run, [entity], since)
  if (answer && !answer.overflow) return takeAnswer(run, entity, answer)
  const startedAt = answer?.observedAt ?? (await run.reader.count(entity)).observedAt
  await listChanges(run, entity, since)
  // Deletes beyond the cap are nowhere to be read: the count shows whether there were any.
  if (await countsAgree(run, entity)) run.watermarks.set(entity, startedAt)
  else await listEntity(run, entity, startedAt)
}

function refuseAnswerOfThePast(run: Run, entities: readonly Entity[], answeredAt: Date): void {
  if (!entities.some((entity) => isAhead(stateOf(run, entity).watermark, answeredAt))) return
  throw new LedgerError('window_exceeded', 'QuickBooks answered as of a time before the last run')
}

/**
 * @returns null when a record among the changes seems to break the answer. A first failure may be QuickBooks' own and
 *   pass; every later run would meet the record again, because the watermark waits for it.
 */
async function askChanges(run: Run, entities: readonly Entity[], since: Date): Promise<ChangesAnswer | null> {
  try {
    return await run.reader.changes(entities, since)
  } catch (error) {
    if (run.failuresInARow > 0 && isPoisoned(error)) return null
    throw error
  }
}

async function takeAnswer(run: Run, entity: Entity, answer: ChangesAnswer): Promise<void> {
  const page = answer.pages.get(entity)
  if (page) await takeTold(run, entity, page)
  run.watermarks.set(entity, answer.observedAt)
}

/** Takes a page of changes, asking by id for records whose tombstone contradicts the same answer or a later one. */
async function takeTold(run: Run, entity: Entity, page: Page): Promise<void> {
  const disputed = await findDisputed(run, entity, page.changes)
  const undisputed = page.changes.filter((change) => !disputed.has(change.qboId) || change.kind === 'version')
  await takePage(run, entity, { ...page, changes: undisputed }, { authoritative: false })
  if (disputed.size === 0) return
  const { page: alive, missing } = await run.reader.byIds(entity, [...disputed.keys()])
  await takePage(run, entity, alive, {
    authoritative: true,
    // The next answer tells of the tombstone again, perhaps without the record beside it.
    along: (tx) => noteAlive(tx, run, entity, alive),
  })
  // The answer by id is what proves them, and speaks for its own moment.
  const confirmed = missing.flatMap((qboId) => disputed.get(qboId) ?? [])
  await takePage(run, entity, { ...alive, changes: confirmed, rejects: [] }, { authoritative: true })
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
  const alive = new Set(changes.filter((change) => change.kind === 'version').map(({ qboId }) => qboId))
  return new Map(
    tombstones
      .filter(
        (tombstone) =>
          alive.has(tombstone.qboId) ||
          isDisputed(tombstone, known.get(tombstone.qboId) ?? { record: null, buried: null }),
      )
      .map((tombstone) => [tombstone.qboId, tombstone]),
  )
}

function askSince(run: Run, entities: readonly Entity[], lostMs = 0): Date {
  const watermarks = entities.flatMap((entity) => stateOf(run, entity).watermark?.getTime() ?? [])
  return new Date(Math.min(...watermarks) - OVERLAP_MS - lostMs)
}

/**
 * What QuickBooks' clock has lost against ours since the last run, where that is more than the overlap: put back, it
 * may have passed the watermark a second time, and what changed before it did so would be told to nobody. Zero as a
 * rule; our own clock put forward looks alike, and costs one call.
 */
function timeLostMs(run: Run, entities: readonly Entity[], answeredAt: Date): number {
  const behindMs = run.database.clock.now().getTime() - answeredAt.getTime()
  const losses = entities.map((entity) => {
    const { watermark, lastSyncedAt } = stateOf(run, entity)
    return watermark && lastSyncedAt ? behindMs - (lastSyncedAt.getTime() - watermark.getTime()) : 0
  })
  const lostMs = Math.max(0, ...losses)
  return lostMs > OVERLAP_MS ? lostMs : 0
}
