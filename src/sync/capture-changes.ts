import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { fewerMayDo, type ChangesAnswer } from '../quickbooks/quickbooks.ts'
import { countsAgree } from './count-held.ts'
import { listChanges, listEntity } from './list-entity.ts'
import { capturedFrom, isAhead, OVERLAP_MS, stateOf } from './entity-state.ts'
import type { Run } from './run.ts'
import { noteAnswer, noteCaptured, noteToldFirst } from './run-progress.ts'
import { entityError, forEachEntity } from './for-each-entity.ts'
import { writeCapturedPage } from './write-captured-page.ts'
import { checkUnreadable } from './unreadable-records.ts'

/**
 * Writes what changed since the watermarks, by one call for all entities. An answer at the cap says nothing of what
 * it left out, and one that an entity breaks says nothing at all: then each entity is asked for alone, and one
 * of which that cannot be told either is listed by its changes.
 *
 * @returns QuickBooks' time of the first answer.
 * @throws LedgerError `window_exceeded` when that lies before the watermarks: QuickBooks' clock was put back, or an
 *   old answer was delivered again. What changed in between is told by neither, so only complete listings find it.
 */
export async function captureChanges(run: Run, entities: readonly Entity[]): Promise<Date> {
  const first = await askShared(run, entities, askSince(run, entities))
  const startedAt = first?.observedAt ?? (await run.reader.companyInfo()).observedAt
  refuseAnswerOfThePast(run, entities, startedAt)
  noteAnswer(run, startedAt)
  const lostMs = timeLostMs(run, entities, startedAt)
  const answer = first && lostMs > 0 ? await askShared(run, entities, askSince(run, entities, lostMs)) : first
  await forEachEntity(run, entities, 'capture', async (entity) => {
    if (answer && !answer.overflow) return writeAnswer(run, entity, answer)
    await writeCapturedPage(run, entity, answer?.pages.get(entity))
    await captureEntity(run, entity, lostMs)
  })
  return startedAt
}

/**
 * Writes what change data capture tells ahead of a complete listing: a delete that QuickBooks itself reports need not be
 * inferred, and only what was not told counts as drift. Moves no watermark.
 *
 * @returns QuickBooks' time of the answer; null without one.
 */
export async function captureBeforeListing(run: Run, entities: readonly Entity[]): Promise<Date | null> {
  const answer = entities.length > 0 ? await askOrNull(run, entities) : null
  if (!answer) return null
  noteAnswer(run, answer.observedAt)
  await forEachEntity(run, entities, 'listing', async (entity) => {
    await writeCapturedPage(run, entity, answer.pages.get(entity))
    // The cap is shared: alone, an entity may be told of whole.
    const alone = answer.overflow ? await askOrNull(run, [entity]) : null
    await writeCapturedPage(run, entity, alone?.pages.get(entity))
    const whole = answer.overflow ? alone : answer
    if (!whole || whole.overflow) return
    noteToldFirst(run, entity, whole.observedAt)
  })
  return answer.observedAt
}

/**
 * Writes what changed in one entity, by a call of its own. What an answer at the cap tells is true as far as it goes;
 * the rest is listed.
 */
export async function captureEntity(run: Run, entity: Entity, lostMs = 0): Promise<void> {
  const since = askSince(run, [entity], lostMs)
  const answer = await askOrNull(run, [entity], since)
  if (answer && !answer.overflow) return writeAnswer(run, entity, answer)
  await writeCapturedPage(run, entity, answer?.pages.get(entity))
  const startedAt = answer?.observedAt ?? (await run.reader.count(entity)).observedAt
  await listChanges(run, entity, since)
  noteCaptured(run, entity, startedAt)
  // Deletes beyond the cap are nowhere to be read: the count shows whether there were any.
  const isSettled = !run.watermarks.has(entity) || (await countsAgree(run, entity))
  if (!isSettled) await listEntity(run, entity, startedAt)
}

function refuseAnswerOfThePast(run: Run, entities: readonly Entity[], answeredAt: Date): void {
  if (!entities.some((entity) => isAhead(capturedFrom(run, entity), answeredAt))) return
  throw new LedgerError('window_exceeded', 'QuickBooks answered as of a time before the last run')
}

/**
 * @returns null when the changes are too heavy for one answer, or one entity seems to break it or to make it late, be
 *   it by a record that cannot be served. Such a failure may be QuickBooks' own and pass the first time; every later run
 *   would meet the record again, because the watermark waits for it.
 */
async function askShared(run: Run, entities: readonly Entity[], since: Date): Promise<ChangesAnswer | null> {
  try {
    return await run.reader.changes(entities, since)
  } catch (thrown) {
    if (fewerMayDo(thrown) === 'heavy') return null
    const error = entityError(run, thrown)
    if (run.failuresInARow > 0 && error && error.code !== 'window_exceeded') return null
    throw thrown
  }
}

/** @returns null where change data capture cannot tell: then a listing has to do without, and fails where that cannot. */
async function askOrNull(
  run: Run,
  entities: readonly Entity[],
  since = askSince(run, entities),
): Promise<ChangesAnswer | null> {
  try {
    return await run.reader.changes(entities, since)
  } catch (thrown) {
    if (entityError(run, thrown)) return null
    throw thrown
  }
}

/** Writes what an answer that tells everything says of one entity, and notes up to when it does. */
async function writeAnswer(run: Run, entity: Entity, answer: ChangesAnswer): Promise<void> {
  await writeCapturedPage(run, entity, answer.pages.get(entity))
  noteCaptured(run, entity, answer.observedAt)
  // Where a listing is owed, it tells.
  const isSettled = !run.watermarks.has(entity) || (await checkUnreadable(run, entity))
  if (!isSettled) await listEntity(run, entity, answer.observedAt)
}

function askSince(run: Run, entities: readonly Entity[], lostMs = 0): Date {
  const from = entities.flatMap((entity) => capturedFrom(run, entity)?.getTime() ?? [])
  return new Date(Math.min(...from) - OVERLAP_MS - lostMs)
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
