import { deepStrictEqual } from 'node:assert'
import { resumeCompany } from '../../src/connections/change-status.ts'
import { ENTITIES } from '../../src/domain/entity.ts'
import type { Mode, Trigger } from '../../src/domain/sync-run.ts'
import { runCompany, type RunOutcome, type SyncOptions } from '../../src/sync/run-company.ts'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import type { TestMirror } from '../setup/mirror.ts'
import { doBusiness } from './business.ts'
import { checkCalmCalls } from './calls.ts'
import { checkRejected, damaged, openRejects } from './damage.ts'
import { checkEqual, remember } from './invariants.ts'
import { unservedOf, type Episode } from './state.ts'
import { BY_TEST } from '../setup/doer.ts'

/** What an operator and time would do: no wait and no refusal stands, and somebody asks. */
export async function ready(
  episode: Episode,
  realmId: string,
  mode: Mode = 'incremental',
  trigger: Trigger = 'manual',
): Promise<void> {
  const { mirror, story } = episode
  mirror.clock.move({ seconds: 1 })
  await mirror.rows(
    'UPDATE service_state SET calls_paused_until = NULL, stopped_since = NULL, calls_paused_code = NULL',
  )
  const status = await statusOf(mirror, realmId)
  if (status === 'needs_reauth') {
    await mirror.newTokens(realmId)
    story.push('  new tokens')
  } else if (status !== 'active') {
    await resumeCompany(mirror.database, () => Promise.resolve(), realmId, BY_TEST)
    story.push(`  resumed: it was ${status}`)
  }
  await mirror.rows(
    `UPDATE companies SET not_before = NULL, not_before_code = NULL WHERE realm_id = :realmId`,
    { realmId },
  )
  await mirror.ask(realmId, { mode, trigger })
}

export async function plainRun(episode: Episode, realmId: string): Promise<void> {
  await ready(episode, realmId)
  if (isDone(await run(episode, realmId))) await afterDone(episode, realmId)
}

/**
 * Brings a company up to date before something befalls it.
 *
 * @returns false where something of before still stands in the way.
 */
export async function isCaughtUp(episode: Episode, realmId: string): Promise<boolean> {
  if (episode.doubts.has(realmId)) return false
  await plainRun(episode, realmId)
  return (await statusOf(episode.mirror, realmId)) === 'active' && !(await isBehind(episode, realmId))
}

export async function fullRun(episode: Episode, realmId: string, trigger?: Trigger): Promise<void> {
  await ready(episode, realmId, 'full', trigger)
  const outcome = await run(episode, realmId)
  if (!isDone(outcome)) return
  // One entity or another may have been read in vain.
  if (await isBehind(episode, realmId)) return
  // It met every record again, and QuickBooks could serve each of them.
  unservedOf(episode, realmId).clear()
  await checkComplete(episode, realmId)
  await rememberPerhaps(episode, realmId)
}

/** One run; where nothing was wrong, nothing may go wrong. */
export async function run(episode: Episode, realmId: string, options?: SyncOptions): Promise<RunOutcome> {
  const { mirror, world, story } = episode
  const calm = mirror.sandbox.faults.list().length === 0 && !world.isDisturbed()
  const isDead = calm && (await isTokenDead(episode, realmId))
  const meteredBefore = mirror.sandbox.calls.meteredCount(realmId)
  const before = calm ? await standing(mirror, realmId) : null
  const answeredAt = mirror.clock.now()
  const states = await entityStates(mirror, realmId)
  const outcome = await runCompany(options ?? mirror.options, realmId, new AbortController().signal)
  story.push(`  run: ${tell(outcome)}`)
  if (isDone(outcome)) checkStanding(states, await entityStates(mirror, realmId))
  if (outcome.kind === 'failed') world.met.note('code', outcome.error.code)
  if (!before) return outcome
  const died = outcome.kind === 'failed' && outcome.error.code === 'needs_reauth' && isDead
  // Another run has the company, or had it a moment ago: whether that may be is for the step to say.
  const wasTaken = outcome.kind === 'skipped' && ['held', 'not_asked'].includes(outcome.reason)
  deepStrictEqual(
    outcome.kind === 'finished' || died || wasTaken,
    true,
    `nothing was wrong, and a run ${tell(outcome)}`,
  )
  if (outcome.kind === 'finished') {
    await checkCalmCalls(
      mirror,
      outcome.runId,
      mirror.sandbox.calls.meteredCount(realmId) - meteredBefore,
      before,
    )
    if (!before.isListing)
      await settleDoubt(episode, realmId, outcome.runId, isAhead(before.watermark, answeredAt))
  }
  return outcome
}

interface EntityStates {
  readonly entity: string
  readonly watermark: string | null
  readonly lastSyncedAt: string | null
  readonly error: string | null
}

function entityStates(mirror: TestMirror, realmId: string): Promise<EntityStates[]> {
  return mirror.rows<EntityStates>(
    `SELECT entity, watermark::text, last_synced_at::text AS "lastSyncedAt", error_code AS error
       FROM sync_states
      WHERE realm_id = :realmId
      ORDER BY entity`,
    { realmId },
  )
}

/** The watermark of an entity in trouble stands where it was, and the run finished with every other one. */
function checkStanding(before: readonly EntityStates[], after: readonly EntityStates[]): void {
  const known = new Map(before.map((state) => [state.entity, state]))
  const moved = after.filter(
    ({ entity, watermark, error }) => error !== null && watermark !== (known.get(entity)?.watermark ?? null),
  )
  deepStrictEqual(moved, [], 'a watermark moved although its entity is in trouble')
  const finished = after.filter(({ error }) => error === null)
  deepStrictEqual(
    new Set(finished.map(({ lastSyncedAt }) => lastSyncedAt)).size <= 1 &&
      finished.every(({ lastSyncedAt }) => lastSyncedAt !== null),
    true,
    `entities stand still without a word: ${JSON.stringify(after)}`,
  )
}

/** A run that listed everything has everything at once, whatever QuickBooks' clock had shown before. */
async function settleDoubt(
  episode: Episode,
  realmId: string,
  runId: number,
  wasSeen: boolean,
): Promise<void> {
  const { mirror, doubts } = episode
  const doubt = doubts.get(realmId)
  if (!doubt) return
  const [row] = await mirror.rows<{ mode: Mode }>('SELECT mode FROM sync_runs WHERE id = :runId', { runId })
  if (row!.mode !== 'full') {
    return deepStrictEqual(wasSeen, false, 'a run did not see that its watermarks lie ahead of QuickBooks')
  }
  await checkComplete(episode, realmId)
  const { watermark } = await standing(mirror, realmId)
  deepStrictEqual(isAhead(watermark, mirror.clock.now()), false, 'a watermark was left ahead of QuickBooks')
  doubt.isListed = true
  if (mirror.clock.now() > doubt.until) doubts.delete(realmId)
}

/** What makes a run cost more than one call. */
export interface Standing {
  /** A listing is unfinished, or an entity owes one. */
  readonly isListing: boolean
  readonly rejectedEntities: number
  /** The latest. */
  readonly watermark: Date | null
  /** QuickBooks' clock has fallen back against ours by some five minutes or more since the last run. */
  readonly hasLostTime: boolean
}

// The code under test has its own word for it: here it is said anew.
export const OVERLAP_MS = 5 * 60_000

function isAhead(watermark: Date | null, answeredAt: Date): boolean {
  return watermark !== null && watermark.getTime() - answeredAt.getTime() > OVERLAP_MS
}

async function standing(mirror: TestMirror, realmId: string): Promise<Standing> {
  const [row] = await mirror.rows<Standing>(
    `SELECT EXISTS (SELECT FROM sync_states
                     WHERE realm_id = :realmId AND (listing IS NOT NULL OR owes IS NOT NULL)) AS "isListing",
            (SELECT max(watermark) FROM sync_states WHERE realm_id = :realmId) AS watermark,
            (SELECT coalesce(max(:behindSeconds - extract(epoch FROM last_synced_at - watermark)), 0) > 290
               FROM sync_states WHERE realm_id = :realmId) AS "hasLostTime",
            (SELECT count(DISTINCT entity)::int FROM sync_rejects
              WHERE realm_id = :realmId AND resolved_at IS NULL) AS "rejectedEntities"`,
    { realmId, behindSeconds: (mirror.database.clock.now().getTime() - mirror.clock.now().getTime()) / 1000 },
  )
  return row!
}

/**
 * Intuit rotated the refresh token, the answer reached nobody who saved it, and the 24 hours are over for which the
 * former one goes on working: then, and only then, somebody has to connect the company again.
 */
export async function isTokenDead({ mirror, world }: Episode, realmId: string): Promise<boolean> {
  const { refreshToken } = mirror.sandbox.companies().find((one) => one.realmId === realmId)!
  if ((await mirror.heldRefreshToken(realmId)) === refreshToken) return false
  return mirror.clock.now().getTime() - world.rotatedAt.get(realmId)!.getTime() >= GRACE_MS
}

export const GRACE_MS = 86_400_000

export function tell(outcome: RunOutcome): string {
  if (outcome.kind === 'failed') return `failed ${outcome.error.code} (${outcome.error.message})`
  if (outcome.kind === 'skipped') return `skipped: ${outcome.reason}`
  return outcome.kind === 'finished' ? outcome.status : outcome.kind
}

export function isDone(outcome: RunOutcome): boolean {
  return outcome.kind === 'finished'
}

/**
 * A run that moved every watermark past the last business has everything. One that goes on with a listing of an
 * earlier run does not: its watermark is the time at which that listing began.
 */
export async function afterDone(episode: Episode, realmId: string): Promise<void> {
  if (await isBehind(episode, realmId)) return
  if (episode.doubts.has(realmId)) await checkUndoubted(episode, realmId)
  else await checkComplete(episode, realmId)
  await rememberPerhaps(episode, realmId)
}

async function rememberPerhaps({ mirror, choices, held }: Episode, realmId: string): Promise<void> {
  if (choices.chance(0.3)) held.push({ realmId, state: await remember(mirror, realmId) })
}

/** Everything is in the mirror that QuickBooks' clock, once it was put back, could not hide from a run. */
async function checkUndoubted(episode: Episode, realmId: string): Promise<void> {
  const { mirror, doubts } = episode
  const { from, until, isListed } = doubts.get(realmId)!
  const [mirrored, expected] = [await dumpMirror(mirror, realmId), expectedMirror(mirror, realmId)]
  const updatedAt = (record: Record<string, unknown> | undefined) =>
    record && new Date(String(record['source_updated_at']))
  const doubted = Object.keys({ ...mirrored, ...expected }).filter((key) => {
    const [here, there] = [updatedAt(mirrored[key]), updatedAt(expected[key])]
    if (isListed) return here && there && here > from && here >= there
    // When a record was deleted, its books no longer tell.
    return !there || (there >= from && there <= until)
  })
  await checkEqual(mirror, realmId, new Set([...doubted, ...(await exceptions(episode, realmId))]))
}

/** Everything is in the mirror as QuickBooks has it, or is listed among the rejects. */
export async function checkComplete(episode: Episode, realmId: string): Promise<void> {
  const { mirror } = episode
  const unserved = unservedOf(episode, realmId)
  await checkEqual(mirror, realmId, await exceptions(episode, realmId))
  await checkRejected(mirror, realmId, unserved)
}

/** Records that could not be taken, as the books and what went wrong tell: never as the rejects themselves say. */
export async function exceptions(episode: Episode, realmId: string): Promise<Set<string>> {
  const { mirror, suspects } = episode
  const broken = damaged(mirror.sandbox.books(realmId)).map(({ key }) => key)
  const unserved = unservedOf(episode, realmId)
  const rejects = suspects.has(realmId) ? await openRejects(mirror, realmId) : []
  const suspected = rejects
    .filter(({ code }) => code === 'poisoned_page')
    .map(({ table, qboId }) => `${table} ${qboId}`)
  return new Set([...broken, ...unserved, ...suspected])
}

export async function isBehind({ mirror, lastBusinessAt }: Episode, realmId: string): Promise<boolean> {
  const rows = await mirror.rows<{ watermark: Date | null }>(
    'SELECT watermark FROM sync_states WHERE realm_id = :realmId',
    { realmId },
  )
  const last = lastBusinessAt.get(realmId)
  const isFresh = ({ watermark }: { watermark: Date | null }) =>
    watermark !== null && (last === undefined || watermark > last)
  return rows.length < ENTITIES.length || !rows.every(isFresh)
}

/** The process that had the company gave no sign of life. */
export async function lapse(mirror: TestMirror, realmId: string): Promise<void> {
  await mirror.rows(
    `UPDATE sync_runs SET heartbeat_at = heartbeat_at - interval '1 minute' WHERE realm_id = :realmId AND status = 'running'`,
    { realmId },
  )
}

export async function statusOf(mirror: TestMirror, realmId: string): Promise<string> {
  const [row] = await mirror.rows<{ status: string }>(
    'SELECT status FROM companies WHERE realm_id = :realmId',
    { realmId },
  )
  return row!.status
}

/**
 * Longer than any answer lags behind: one that lags shows records alive that vanished since, and only the next complete
 * listing corrects that.
 */
export function outlastLag({ mirror, world }: Episode): void {
  for (const clock of [mirror.clock, world.ourClock]) clock.move({ minutes: 10 })
}

/** Somebody does something in the books. */
export function trade(episode: Episode, realmId: string, when: string): void {
  const { mirror, choices, story, world, lastBusinessAt } = episode
  const { action, isDone: wasDone, said } = doBusiness(mirror.sandbox.books(realmId), choices)
  story.push(`  ${when}${said}`)
  if (wasDone) world.met.note('business', action)
  lastBusinessAt.set(realmId, mirror.clock.now())
}

/** The access token is over; a day later Intuit also changes the refresh token. */
export async function expireAccess({ mirror, choices }: Episode, realmId: string): Promise<void> {
  if (choices.chance(0.5)) mirror.clock.move({ hours: 25 })
  await mirror.rows(
    `UPDATE connections SET access_token_expires_at = now() - interval '1 year' WHERE realm_id = :realmId`,
    { realmId },
  )
}
