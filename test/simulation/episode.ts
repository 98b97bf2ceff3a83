import { deepStrictEqual } from 'node:assert'
import { company, INTERVAL_SECONDS, lastReport } from '../setup/mirror.ts'
import { doSilently } from './business.ts'
import { checkCalls } from './calls.ts'
import { mend, openRejects } from './damage.ts'
import { checkAtRest, checkNothingOpen, checkRemembered, checkVersions } from './invariants.ts'
import { createChoices, type Choices } from './random.ts'
import { checkComplete, fullRun, isBehind, isDone, plainRun, ready, run, statusOf } from './runs.ts'
import { unservedOf, type Episode } from './state.ts'
import { beat, perform } from './step-requests.ts'
import { playMassDelete } from './step-losses.ts'
import { STEPS } from './steps.ts'
import type { World } from './world.ts'

/** An invariant that did not hold, with the seed that replays it and the story up to there. */
export class BrokenPromise extends Error {
  readonly seed: number

  constructor(seed: number, story: readonly string[], cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause)
    super(`seed ${seed}: ${message}\n\nThe story:\n${story.map((line) => `  ${line}`).join('\n')}`, { cause })
    this.name = 'BrokenPromise'
    this.seed = seed
  }
}

// Enough for several runs with business between them; longer ones find no more and take longer to read.
const MOST_STEPS = 14

/**
 * One random history of two companies, with runs, faults, crashes, clock steps and people asking in between. At its
 * end everything is put right and every promise must hold. The seed alone decides what happens: of the episodes
 * before it in the same world nothing is left.
 *
 * @returns its story.
 * @throws BrokenPromise
 */
export async function playEpisode(world: World, seed: number): Promise<readonly string[]> {
  const choices = createChoices(seed)
  const story: string[] = []
  const realmIds = [0, 1].map((which) => `9${String(seed % 1e9).padStart(9, '0')}${which}`)
  const episode: Episode = {
    world,
    mirror: world.mirror,
    choices,
    realmIds,
    story,
    lastBusinessAt: new Map(),
    held: [],
    unserved: new Map(),
    suspects: new Set(),
    listedBehind: new Set(),
    doubts: new Map(),
    calls: { exactly: 0, atMost: 0 },
    wasSilent: false,
    nextFault: seed,
  }
  try {
    await begin(episode)
    for (let steps = choices.whole(4, MOST_STEPS); steps > 0; steps -= 1) await playStep(episode)
    for (const realmId of realmIds) if (isLarge(episode, realmId)) await playBurst(episode, realmId)
    await putRight(episode)
    if (choices.chance(0.25)) await playDrift(episode)
    if (choices.chance(0.04)) await playDisappearance(episode)
    if (choices.chance(0.02)) await playMassDelete(episode)
    await noteDecisions(episode)
    return story
  } catch (error) {
    throw new BrokenPromise(seed, story, error)
  } finally {
    world.mirror.sandbox.faults.clear()
    world.undisturb()
  }
}

async function begin({ world, mirror, choices, realmIds, story }: Episode): Promise<void> {
  const start = new Date(FIRST_START_MS + choices.whole(0, 366 * 24) * 3_600_000)
  story.push(`begins ${start.toISOString()}`)
  world.setClocks(start)
  mirror.sandbox.calls.clear()
  await mirror.rows(`UPDATE companies SET status = 'paused' WHERE status <> 'paused'`)
  await mirror.rows(
    `UPDATE service_state SET calls_paused_until = NULL, calls_paused_code = NULL, throttled_companies = '{}'`,
  )
  for (const realmId of realmIds) {
    await mirror.addCompany(company({ realmId, name: realmId, records: sizeOf(choices), lively: false }))
  }
}

// Episodes begin at any hour of a year from here, and so now and then where the Pacific time of answers changes.
const FIRST_START_MS = Date.UTC(2026, 0, 15)

/** One in two hundred is so large that a burst of changes exceeds what change data capture tells. */
function sizeOf(choices: Choices): number {
  return choices.chance(0.005) ? 1_900 : choices.whole(12, 40)
}

async function playStep(episode: Episode): Promise<void> {
  const realmId = episode.choices.pick(episode.realmIds)
  const step = episode.choices.pick(STEPS)
  episode.story.push(`${step.name} ${realmId.slice(-1)}`)
  await step(episode, realmId)
  episode.world.met.note('step', step.name)
}

function isLarge({ mirror }: Episode, realmId: string): boolean {
  const books = mirror.sandbox.books(realmId)
  return books.records('Bill').length + books.records('Invoice').length > 1_000
}

/** More changes between two runs than change data capture tells. */
async function playBurst(episode: Episode, realmId: string): Promise<void> {
  const { mirror, story, world, lastBusinessAt } = episode
  story.push(`burst ${realmId.slice(-1)}`)
  world.met.note('step', 'a burst')
  // What the books say of records that could not be served is not held against a burst.
  await healAll(episode, realmId)
  await plainRun(episode, realmId)
  const books = mirror.sandbox.books(realmId)
  const bills = books.records('Bill')
  const invoices = books.records('Invoice')
  for (const { Id } of bills.slice(0, 30)) books.deleteTxn('Bill', Id)
  for (const { Id } of bills.slice(30)) books.editBill(Id, { privateNote: 'burst' })
  for (const { Id } of invoices) books.editInvoice(Id, { privateNote: 'burst' })
  lastBusinessAt.set(realmId, mirror.clock.now())
  mirror.clock.move({ seconds: 1 })
  story.push(`  ${bills.length} bills, ${invoices.length} invoices`)
  await plainRun(episode, realmId)
}

async function putRight(episode: Episode): Promise<void> {
  const { mirror, realmIds, held, story, listedBehind, doubts } = episode
  story.push('put right')
  mirror.sandbox.faults.clear()
  for (const realmId of realmIds) await healAll(episode, realmId)
  passADay(episode)
  if (episode.choices.chance(0.5)) await catchUpByTicks(episode)
  for (const realmId of realmIds) {
    await runUntilDone(episode, realmId)
    if (doubts.has(realmId)) await fullRun(episode, realmId)
    await checkComplete(episode, realmId)
    deepStrictEqual(
      await openRejects(mirror, realmId),
      [],
      'a reject was left although everything was mended',
    )
    await checkVersions(mirror, realmId, { wasBehind: listedBehind.has(realmId) })
    // After a listing, change data capture tells of deletes before it, which are buried once; and a burst is told
    // again as long as it lies within the overlap.
    mirror.clock.move({ minutes: 10 })
    await runUntilDone(episode, realmId)
    await checkAtRest(mirror, realmId)
    deepStrictEqual(
      await mirror.heldRefreshToken(realmId),
      mirror.sandbox.companies().find((one) => one.realmId === realmId)!.refreshToken,
      'a refresh token that Intuit gave was lost',
    )
  }
  for (const { realmId, state } of held) await checkRemembered(mirror, realmId, state)
  await checkCalls(episode)
  await checkNothingOpen(mirror)
}

async function healAll(episode: Episode, realmId: string): Promise<void> {
  const { mirror, lastBusinessAt } = episode
  if (mend(mirror.sandbox.books(realmId), mirror.clock.now()) > 0) {
    lastBusinessAt.set(realmId, mirror.clock.now())
  }
  if (unservedOf(episode, realmId).size > 0) await fullRun(episode, realmId)
  await noteRejects(episode, realmId)
}

// Longer than any wait and than the longest time between two attempts at a reject.
const A_DAY_HOURS = 26

function passADay({ mirror, world }: Episode): void {
  mirror.clock.move({ hours: A_DAY_HOURS })
  world.ourClock.move({ hours: A_DAY_HOURS })
}

/** Nobody does anything but connect a company again that needs it: the schedule brings every company up to date. */
async function catchUpByTicks(episode: Episode): Promise<void> {
  const { mirror, realmIds, story, world } = episode
  story.push('  by ticks alone')
  world.met.note('step', 'by ticks alone')
  for (let rounds = 1; rounds <= MOST_RUNS; rounds += 1) {
    for (const realmId of realmIds) await reconnect(episode, realmId)
    mirror.clock.move({ seconds: INTERVAL_SECONDS })
    world.ourClock.move({ seconds: INTERVAL_SECONDS })
    deepStrictEqual(await beat(episode), realmIds, 'a company was forgotten')
    for (const realmId of realmIds) await perform(episode, realmId)
    const behind = await Promise.all(realmIds.map((realmId) => isBehind(episode, realmId)))
    if (!behind.includes(true)) return
  }
  throw new Error('the schedule did not bring every company up to date although everything was put right')
}

async function reconnect({ mirror, story }: Episode, realmId: string): Promise<void> {
  if ((await statusOf(mirror, realmId)) !== 'needs_reauth') return
  await mirror.newTokens(realmId)
  story.push('  new tokens')
}

// A first refusal is looked at twice before it is believed, and a listing that was cut short begins again.
const MOST_RUNS = 4

async function runUntilDone(episode: Episode, realmId: string): Promise<void> {
  for (let runs = 1; runs <= MOST_RUNS; runs += 1) {
    await ready(episode, realmId)
    if (isDone(await run(episode, realmId)) && !(await isBehind(episode, realmId))) return
  }
  throw new Error('the company could not be synced again although everything was put right')
}

/** Changes that only a complete listing finds. */
async function playDrift(episode: Episode): Promise<void> {
  const { mirror, choices, story, world } = episode
  const realmId = choices.pick(episode.realmIds)
  if (mirror.sandbox.books(realmId).records('Bill').length < 3) return
  const { action, said } = doSilently(mirror.sandbox.books(realmId), choices)
  world.met.note('drift', action)
  story.push(`drift: ${said}`)
  await ready(episode, realmId)
  await run(episode, realmId)
  await fullRun(episode, realmId, 'reconcile')
  await checkComplete(episode, realmId)
  // A tombstone was told, though falsely, and where there is nobody to merge nothing changed.
  if (action === 'falseTombstone' || said.includes('nobody')) return
  const found = Object.values(await lastReport(mirror, realmId)).reduce(
    (sum, { drifted }) => sum + drifted,
    0,
  )
  deepStrictEqual(found > 0, true, `no drift was counted: ${said}`)
}

/** Most records of a company are gone at once: nothing is deleted, and a person is asked. */
async function playDisappearance(episode: Episode): Promise<void> {
  const { mirror, story, world, realmIds } = episode
  const realmId = `${realmIds[0]!.slice(0, -1)}2`
  story.push(`disappearance ${realmId.slice(-1)}`)
  await mirror.addCompany(company({ realmId, name: realmId, records: 150, lively: false }))
  await plainRun(episode, realmId)
  const books = mirror.sandbox.books(realmId)
  const bills = books.records('Bill')
  for (const { Id } of bills.slice(2)) books.vanish('Bill', Id)
  const live = () =>
    mirror.rows(`SELECT qbo_id FROM bills WHERE realm_id = :realmId AND deleted_at IS NULL ORDER BY qbo_id`, {
      realmId,
    })
  const before = await live()
  await ready(episode, realmId, 'full')
  await mirror.run(realmId)
  const { bill } = await lastReport(mirror, realmId)
  const code = bill.error?.code ?? 'no error'
  story.push(`  ${bills.length} bills: ${code}`)
  deepStrictEqual(code, 'mass_disappearance', 'most bills vanished')
  world.met.note('code', code)
  deepStrictEqual(await live(), before, 'bills were deleted although most vanished at once')
}

async function noteDecisions({ mirror, world, realmIds }: Episode): Promise<void> {
  const rows = await mirror.rows<{ decision: string; times: number }>(
    `SELECT counted.key AS decision, sum(counted.value::int)::int AS times
       FROM sync_runs, jsonb_each(entities) AS entity (name, report), jsonb_each_text(report) AS counted
      WHERE realm_id IN (${realmIds.map((realmId) => `'${realmId}'`).join(', ')})
        AND counted.key NOT LIKE 'watermark%' AND counted.key NOT IN ('error', 'drift')
      GROUP BY counted.key
     HAVING sum(counted.value::int) > 0`,
  )
  for (const { decision, times } of rows) world.met.note('decision', decision, times)
}

async function noteRejects({ mirror, world }: Episode, realmId: string): Promise<void> {
  const rows = await mirror.rows<{ code: string }>(
    'SELECT DISTINCT code FROM sync_rejects WHERE realm_id = :realmId',
    { realmId },
  )
  for (const { code } of rows) world.met.note('code', code)
}
