import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { fewerMayDo, type ChangesAnswer } from '../quickbooks/quickbooks.ts'
import { countsAgree } from './count-held.ts'
import { listChanges, listEntity } from './list-entity.ts'
import { capturedFrom, isAhead, OVERLAP_MS, stateOf } from './entity-state.ts'
import type { Run } from './run.ts'
import { noteAnswer, noteCaptured, noteCapturedFirst } from './run-progress.ts'
import { entityError, forEachEntity } from './for-each-entity.ts'
import { writeCapturedPage } from './write-captured-page.ts'
import { checkUnreadable } from './unreadable-records.ts'

/**
 * Writes what changed since the watermarks, with one call for all entities. An answer at the cap does not say what it
 * left out, and one that an entity breaks says nothing at all. Each entity is then asked for alone, and where even
 * that fails, its changes are listed by query.
 *
 * @returns QuickBooks' time of the first answer.
 * @throws LedgerError `window_exceeded` when that lies before the watermarks: QuickBooks' clock was set back, or an
 *   old answer was delivered again. Neither reports what changed in between, so only complete listings find it.
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
 * Writes what change data capture reports ahead of a complete listing: a delete that QuickBooks reports need not be
 * inferred, and only what it did not report counts as drift. Moves no watermark.
 *
 * @returns QuickBooks' time of the answer; null without one.
 */
export async function captureBeforeListing(run: Run, entities: readonly Entity[]): Promise<Date | null> {
  const answer = entities.length > 0 ? await askOrNull(run, entities) : null
  if (!answer) return null
  noteAnswer(run, answer.observedAt)
  await forEachEntity(run, entities, 'listing', async (entity) => {
    await writeCapturedPage(run, entity, answer.pages.get(entity))
    // Entities share the cap: asked for alone, one may fit.
    const alone = answer.overflow ? await askOrNull(run, [entity]) : null
    await writeCapturedPage(run, entity, alone?.pages.get(entity))
    const whole = answer.overflow ? alone : answer
    if (!whole || whole.overflow) return
    noteCapturedFirst(run, entity, whole.observedAt)
  })
  return answer.observedAt
}

/**
 * Writes what changed in one entity, with a call of its own. What an answer at the cap reports is true; the rest is
 * listed.
 */
export async function captureEntity(run: Run, entity: Entity, lostMs = 0): Promise<void> {
  const since = askSince(run, [entity], lostMs)
  const answer = await askOrNull(run, [entity], since)
  if (answer && !answer.overflow) return writeAnswer(run, entity, answer)
  await writeCapturedPage(run, entity, answer?.pages.get(entity))
  const startedAt = answer?.observedAt ?? (await run.reader.count(entity)).observedAt
  await listChanges(run, entity, since)
  noteCaptured(run, entity, startedAt)
  // No answer shows the deletes beyond the cap: the count tells whether there were any.
  const isSettled = !run.watermarks.has(entity) || (await countsAgree(run, entity))
  if (!isSettled) await listEntity(run, entity, startedAt)
}

function refuseAnswerOfThePast(run: Run, entities: readonly Entity[], answeredAt: Date): void {
  if (!entities.some((entity) => isAhead(capturedFrom(run, entity), answeredAt))) return
  throw new LedgerError('window_exceeded', 'QuickBooks answered as of a time before the last run')
}

/**
 * @returns null when the changes are too heavy for one answer, or when one entity seems to break or delay it, perhaps
 *   by a record that QuickBooks cannot serve. The failure may also pass by itself; but if it is a record, every later
 *   run meets it again, because the watermark waits for it.
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

/** @returns null where change data capture fails for the entity alone: the listing then has to do without. */
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

/** Writes what a complete answer says about one entity, and notes up to when it is complete. */
async function writeAnswer(run: Run, entity: Entity, answer: ChangesAnswer): Promise<void> {
  await writeCapturedPage(run, entity, answer.pages.get(entity))
  noteCaptured(run, entity, answer.observedAt)
  // Where a listing is owed, the listing finds them.
  const isSettled = !run.watermarks.has(entity) || (await checkUnreadable(run, entity))
  if (!isSettled) await listEntity(run, entity, answer.observedAt)
}

function askSince(run: Run, entities: readonly Entity[], lostMs = 0): Date {
  const from = entities.flatMap((entity) => capturedFrom(run, entity)?.getTime() ?? [])
  return new Date(Math.min(...from) - OVERLAP_MS - lostMs)
}

/**
 * How far QuickBooks' clock has fallen behind ours since the last run, where that is more than the overlap. A clock
 * that was set back may pass the watermark a second time, and nobody would hear of what changed before it did. Usually
 * zero. Our own clock set forward looks the same, and costs one call.
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
