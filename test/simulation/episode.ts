import { deepStrictEqual } from 'node:assert'
import type { FaultSpec } from '../../src/sandbox/sandbox.ts'
import { runCompany, type RunOutcome } from '../../src/sync/run-company.ts'
import { company, type TestMirror } from '../setup/mirror.ts'
import { doBusiness, doSilently } from './business.ts'
import { crashAt } from './crashable.ts'
import {
  checkAtRest,
  checkEqual,
  checkNothingOpen,
  checkRemembered,
  checkVersions,
  remember,
  type Remembered,
} from './invariants.ts'
import { createChoices, type Choices } from './random.ts'
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

interface Episode {
  readonly world: World
  readonly mirror: TestMirror
  readonly choices: Choices
  readonly realmIds: readonly string[]
  readonly story: string[]
  /** By QuickBooks' clock. */
  readonly lastBusinessAt: Map<string, Date>
  readonly held: { readonly realmId: string; readonly state: Remembered }[]
}

// Enough for several runs with business between them; longer ones find no more and take longer to read.
const MOST_STEPS = 22

/**
 * One random history of two companies, with runs, faults, crashes, clock steps and people asking in between. At its
 * end everything is put right and every promise must hold.
 *
 * @throws BrokenPromise
 */
export async function playEpisode(world: World, seed: number): Promise<void> {
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
  }
  try {
    for (const realmId of realmIds) {
      await world.mirror.addCompany(
        company({ realmId, name: realmId, records: sizeOf(choices), lively: false }),
      )
    }
    for (let steps = choices.whole(6, MOST_STEPS); steps > 0; steps -= 1) await playStep(episode)
    for (const realmId of realmIds) if (isLarge(episode, realmId)) await playBurst(episode, realmId)
    await putRight(episode)
    if (choices.chance(0.25)) await playDrift(episode)
  } catch (error) {
    throw new BrokenPromise(seed, story, error)
  } finally {
    world.mirror.sandbox.faults.clear()
    world.between = () => undefined
  }
}

/** One in forty is so large that a burst of changes exceeds what change data capture tells. */
function sizeOf(choices: Choices): number {
  return choices.chance(0.025) ? 2_000 : choices.whole(12, 40)
}

/** More changes between two runs than change data capture tells. */
async function playBurst(episode: Episode, realmId: string): Promise<void> {
  episode.story.push(`burst ${realmId.slice(-1)}`)
  await plainRun(episode, realmId)
  await burst(episode, realmId)
  await plainRun(episode, realmId)
}

async function playStep(episode: Episode): Promise<void> {
  const realmId = episode.choices.pick(episode.realmIds)
  const step = episode.choices.pick(STEPS)
  episode.story.push(`${step.name} ${realmId.slice(-1)}`)
  await step(episode, realmId)
}

type Step = (episode: Episode, realmId: string) => Promise<void>

const STEPS: readonly Step[] = [
  business,
  business,
  business,
  timePasses,
  timePasses,
  plainRun,
  plainRun,
  runUnderFault,
  runUnderFault,
  runThatCrashes,
  runWithBusinessMeanwhile,
  runTwiceAtOnce,
  runThatIsOvertaken,
  laggedRun,
  fullRun,
  askDuringRun,
  clockStep,
  tokensAtOnce,
]

async function business(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices } = episode
  for (let times = choices.whole(1, 4); times > 0; times -= 1) {
    trade(episode, realmId, '')
    if (choices.chance(0.4)) moveQuickBooksClock(mirror, choices.whole(0, 3))
  }
}

function trade({ mirror, choices, story, lastBusinessAt }: Episode, realmId: string, when: string): void {
  story.push(`  ${when}${doBusiness(mirror.sandbox.books(realmId), choices)}`)
  lastBusinessAt.set(realmId, mirror.clock.now())
}

async function timePasses({ mirror, world, choices, story }: Episode): Promise<void> {
  const seconds = choices.pick([1, 30, 290, 310, 900, 4_000, 100_000])
  story.push(`  ${seconds} s`)
  mirror.clock.move({ seconds })
  world.ourClock.move({ seconds })
}

async function plainRun(episode: Episode, realmId: string): Promise<void> {
  await ready(episode, realmId)
  const outcome = await run(episode, realmId)
  if (isDone(outcome)) await afterDone(episode, realmId)
}

async function fullRun(episode: Episode, realmId: string): Promise<void> {
  await ready(episode, realmId, 'full')
  const outcome = await run(episode, realmId)
  if (isDone(outcome)) await afterDone(episode, realmId)
}

async function runUnderFault(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, story } = episode
  const kind = choices.pick(FAULTS)
  story.push(`  ${kind}`)
  mirror.sandbox.faults.add({ kind, realmId, times: choices.whole(1, 3) })
  await ready(episode, realmId, choices.chance(0.3) ? 'full' : 'incremental')
  const outcome = await run(episode, realmId)
  mirror.sandbox.faults.clear()
  if (isDone(outcome)) await afterDone(episode, realmId)
}

const FAULTS: readonly FaultSpec['kind'][] = [
  'throttled429',
  'throttled403',
  'company6190With200',
  'expired3200',
  'auth100',
  'wrongCluster130',
  'forbidden3100',
  'server500',
  'systemFault10000',
  'unavailable502Html',
  'gatewayTimeout6002',
  'fault200',
  'fault200LowerCase',
  'groupFault',
  'groupFault',
  'html200',
  'truncatedJson',
  'emptyBody200',
  'connectionReset',
  'connectionResetMidBody',
  'limitPlusOne',
  'shortPage',
  'shortPage',
  'scrambleTies',
  'invalidClient',
  'tokenServer503',
  'tokenLostResponse',
]

async function runThatCrashes(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, story } = episode
  await ready(episode, realmId, choices.chance(0.3) ? 'full' : 'incremental')
  const nth = choices.whole(1, 6)
  const moment = choices.pick(['before', 'after'] as const)
  const crash = crashAt(mirror.database, nth, moment)
  const options = { ...mirror.options, database: crash.database, log: mirror.options.log }
  await runCompany(options, realmId, new AbortController().signal).catch(() => undefined)
  story.push(`  ${crash.crashed() ? `killed ${moment} transaction ${nth}` : 'was over before'}`)
  await lapse(mirror, realmId)
}

async function runWithBusinessMeanwhile(episode: Episode, realmId: string): Promise<void> {
  const { world, mirror, choices } = episode
  world.between = (of) => {
    if (of !== realmId || !choices.chance(0.6)) return
    moveQuickBooksClock(mirror, choices.whole(0, 2))
    trade(episode, realmId, 'meanwhile ')
  }
  await ready(episode, realmId, choices.chance(0.3) ? 'full' : 'incremental')
  await run(episode, realmId)
  world.between = () => undefined
}

async function runTwiceAtOnce(episode: Episode, realmId: string): Promise<void> {
  await ready(episode, realmId)
  const outcomes = await Promise.all([episode.mirror.run(realmId), episode.mirror.run(realmId)])
  const finished = outcomes.filter(isDone)
  deepStrictEqual(finished.length <= 1, true, 'two runs of one company both finished')
  if (finished.length === 1) await afterDone(episode, realmId)
}

/** A run stands still after its first answer, another takes the company over, and the first one wakes up. */
async function runThatIsOvertaken(episode: Episode, realmId: string): Promise<void> {
  const { world, mirror, choices } = episode
  await ready(episode, realmId)
  const asleep = signal()
  const wake = signal()
  let first = true
  world.between = async (of) => {
    if (of !== realmId || !first) return
    first = false
    asleep.give()
    await wake.given
  }
  const slow = run(episode, realmId)
  const fellAsleep = await Promise.race([asleep.given.then(() => true), slow.then(() => false)])
  await lapse(mirror, realmId)
  if (choices.chance(0.7)) trade(episode, realmId, 'meanwhile ')
  await ready(episode, realmId)
  const fast = await run(episode, realmId)
  const before = isDone(fast) ? await remember(mirror, realmId) : null
  wake.give()
  const woken = await slow
  world.between = () => undefined
  if (fellAsleep) {
    deepStrictEqual(woken.kind === 'failed' && woken.error.code, 'lease_lost', 'an overtaken run went on')
  }
  if (before)
    deepStrictEqual(
      (await remember(mirror, realmId)).records,
      before.records,
      'an overtaken run wrote something',
    )
}

/** Answers of change data capture that do not know of the last minutes yet: the overlap makes up for them. */
async function laggedRun(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, lastBusinessAt } = episode
  const books = mirror.sandbox.books(realmId)
  const lagSeconds = choices.whole(5, 200)
  const [invoice] = books.records('Invoice')
  if (invoice && choices.chance(0.6)) {
    books.editInvoice(invoice.Id, { privateNote: `older ${choices.whole(1, 999)}` })
    moveQuickBooksClock(mirror, choices.whole(1, lagSeconds + 30))
    books.editInvoice(invoice.Id, { privateNote: `newer ${choices.whole(1, 999)}` })
    lastBusinessAt.set(realmId, mirror.clock.now())
    await plainRun(episode, realmId)
  }
  const id = mirror.sandbox.faults.add({ kind: 'staleRead', realmId, operation: 'cdc', lagSeconds })
  await ready(episode, realmId)
  await run(episode, realmId)
  mirror.sandbox.faults.remove(id)
}

async function askDuringRun(episode: Episode, realmId: string): Promise<void> {
  const { world, mirror } = episode
  await ready(episode, realmId)
  let asked: number | null = null
  world.between = async (of) => {
    if (of === realmId && asked === null) asked = await mirror.ask(realmId, { trigger: 'webhook' })
  }
  const outcome = await run(episode, realmId)
  world.between = () => undefined
  if (outcome.kind !== 'finished' || asked === null) return
  deepStrictEqual(outcome.askedAgain, true, 'a request made during a run was lost')
  const again = await run(episode, realmId)
  if (isDone(again)) await afterDone(episode, realmId)
}

async function clockStep({ world, choices, story }: Episode): Promise<void> {
  const seconds = choices.pick([-7_200, -60, 60, 7_200])
  story.push(`  our clock: ${seconds} s`)
  world.ourClock.move({ seconds })
}

function isLarge({ mirror }: Episode, realmId: string): boolean {
  const books = mirror.sandbox.books(realmId)
  return books.records('Bill').length + books.records('Invoice').length > 1_000
}

async function burst({ mirror, story, lastBusinessAt }: Episode, realmId: string): Promise<void> {
  const books = mirror.sandbox.books(realmId)
  const bills = books.records('Bill')
  const invoices = books.records('Invoice')
  for (const { Id } of bills.slice(0, 30)) books.deleteTxn('Bill', Id)
  for (const { Id } of bills.slice(30)) books.editBill(Id, { privateNote: 'burst' })
  for (const { Id } of invoices) books.editInvoice(Id, { privateNote: 'burst' })
  lastBusinessAt.set(realmId, mirror.clock.now())
  moveQuickBooksClock(mirror, 1)
  story.push(`  ${bills.length} bills, ${invoices.length} invoices`)
}

async function tokensAtOnce({ mirror, choices }: Episode, realmId: string): Promise<void> {
  if (choices.chance(0.5)) mirror.clock.move({ hours: 25 })
  await mirror.rows(
    `UPDATE connections SET access_token_expires_at = now() - interval '1 year' WHERE realm_id = :realmId`,
    {
      realmId,
    },
  )
  const before = refreshes(mirror, realmId)
  const tokens = await Promise.all([1, 2, 3].map(() => mirror.accessToken(realmId)))
  deepStrictEqual(new Set(tokens).size, 1, 'callers at once got different tokens')
  deepStrictEqual(refreshes(mirror, realmId) - before, 1, 'callers at once must cost one refresh')
}

function refreshes({ sandbox }: TestMirror, realmId: string): number {
  return sandbox.calls.list().filter((call) => call.operation === 'token' && call.realmId === realmId).length
}

/** What an operator and time would do: no wait and no refusal stands, and somebody asks. */
async function ready(
  { mirror }: Episode,
  realmId: string,
  mode: 'full' | 'incremental' = 'incremental',
): Promise<void> {
  moveQuickBooksClock(mirror, 1)
  await mirror.rows(
    `UPDATE companies SET status = 'active', not_before = NULL, not_before_code = NULL WHERE realm_id = :realmId`,
    { realmId },
  )
  await mirror.rows('UPDATE service_state SET calls_paused_until = NULL, calls_paused_code = NULL')
  await mirror.ask(realmId, { mode })
}

async function run({ mirror, story }: Episode, realmId: string): Promise<RunOutcome> {
  const outcome = await mirror.run(realmId)
  story.push(`  run: ${tell(outcome)}`)
  return outcome
}

function tell(outcome: RunOutcome): string {
  if (outcome.kind === 'failed') return `failed ${outcome.error.code} (${outcome.error.message})`
  return outcome.kind === 'finished' ? outcome.status : outcome.kind
}

function isDone(outcome: RunOutcome): boolean {
  return outcome.kind === 'finished' && outcome.status === 'succeeded'
}

/**
 * A run that moved every watermark past the last business has everything. One that goes on with a listing of an
 * earlier run does not: its watermark is the time at which that listing began.
 */
async function afterDone(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, held } = episode
  if (await isBehind(episode, realmId)) return
  await checkEqual(mirror, realmId)
  if (choices.chance(0.3)) held.push({ realmId, state: await remember(mirror, realmId) })
}

async function isBehind({ mirror, lastBusinessAt }: Episode, realmId: string): Promise<boolean> {
  const [row] = await mirror.rows<{ oldest: Date }>(
    'SELECT min(watermark) AS oldest FROM sync_states WHERE realm_id = :realmId',
    { realmId },
  )
  const last = lastBusinessAt.get(realmId)
  return last !== undefined && row!.oldest <= last
}

/** The process that had the company gave no sign of life. */
async function lapse(mirror: TestMirror, realmId: string): Promise<void> {
  await mirror.rows(
    `UPDATE sync_runs SET heartbeat_at = heartbeat_at - interval '1 minute' WHERE realm_id = :realmId AND status = 'running'`,
    { realmId },
  )
}

async function putRight(episode: Episode): Promise<void> {
  const { mirror, realmIds, held } = episode
  mirror.sandbox.faults.clear()
  for (const realmId of realmIds) {
    await runUntilDone(episode, realmId)
    await checkEqual(mirror, realmId)
    await checkVersions(mirror, realmId)
    // After a listing, change data capture tells of deletes before it, which are buried once; and a burst is told
    // again as long as it lies within the overlap.
    mirror.clock.move({ minutes: 10 })
    await runUntilDone(episode, realmId)
    await checkAtRest(mirror, realmId)
  }
  for (const { realmId, state } of held) await checkRemembered(mirror, realmId, state)
  await checkNothingOpen(mirror)
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
  const { mirror, choices, story } = episode
  const realmId = choices.pick(episode.realmIds)
  if (mirror.sandbox.books(realmId).records('Bill').length < 3) return
  story.push(`drift: ${doSilently(mirror.sandbox.books(realmId), choices)}`)
  await ready(episode, realmId)
  await run(episode, realmId)
  await ready(episode, realmId, 'full')
  deepStrictEqual(isDone(await run(episode, realmId)), true, 'a full run did not succeed')
  await checkEqual(mirror, realmId)
}

function moveQuickBooksClock(mirror: TestMirror, seconds: number): void {
  mirror.clock.move({ seconds })
}

function signal(): { readonly given: Promise<void>; give(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { given: promise, give: resolve }
}
