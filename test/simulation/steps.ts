import { deepStrictEqual } from 'node:assert'
import { pauseCompany } from '../../src/connections/change-status.ts'
import { damage, mend } from './damage.ts'
import { planFault } from './faults.ts'
import { remember } from './invariants.ts'
import {
  afterDone,
  expireAccess,
  fullRun,
  isDone,
  isTokenDead,
  lapse,
  plainRun,
  ready,
  run,
  statusOf,
  trade,
} from './runs.ts'
import { callsMade, unservedOf, type Episode } from './state.ts'
import { laterAnswers, staleAnswers } from './step-answers.ts'
import { ourClockSteps, quickBooksClockSteps } from './step-clocks.ts'
import { runThatCrashes, tokensAtOnceInACrash } from './step-crashes.ts'
import { mostBillsGo } from './step-losses.ts'
import { askDuringRun, budgetIsSpent, jobDeliveredTwice, manyRequests, ticks } from './step-requests.ts'
import { newTokensMeanwhile } from './step-tokens.ts'
import { latePages, recordsPassedOver, rejectPassedOver, unreadableBesideDeletes } from './step-unreadable.ts'
import { BY_TEST } from '../setup/doer.ts'

export type Step = (episode: Episode, realmId: string) => Promise<void>

export const STEPS: readonly Step[] = [
  business,
  business,
  business,
  timePasses,
  timePasses,
  plainRun,
  plainRun,
  runUnderFault,
  runUnderFault,
  runUnderFault,
  runThatCrashes,
  runThatCrashes,
  tokensAtOnceInACrash,
  runWithBusinessMeanwhile,
  runTwiceAtOnce,
  runThatIsOvertaken,
  staleAnswers,
  laterAnswers,
  fullRun,
  askDuringRun,
  manyRequests,
  ticks,
  jobDeliveredTwice,
  budgetIsSpent,
  pauseAndResume,
  ourClockSteps,
  quickBooksClockSteps,
  longSilence,
  tokensAtOnce,
  brokenRecord,
  mostBillsGo,
  unreadableBesideDeletes,
  rejectPassedOver,
  recordsPassedOver,
  latePages,
  newTokensMeanwhile,
]

async function business(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices } = episode
  for (let times = choices.whole(1, 4); times > 0; times -= 1) {
    trade(episode, realmId, '')
    if (choices.chance(0.4)) mirror.clock.move({ seconds: choices.whole(0, 3) })
  }
}

async function timePasses({ mirror, world, choices, story }: Episode): Promise<void> {
  const seconds = choices.pick([1, 30, 290, 310, 900, 4_000, 100_000])
  story.push(`  ${seconds} s`)
  mirror.clock.move({ seconds })
  world.ourClock.move({ seconds })
}

async function runUnderFault(episode: Episode, realmId: string): Promise<void> {
  const { mirror, world, choices, story, suspects } = episode
  const { spec, needs } = planFault(episode, realmId)
  story.push(`  ${JSON.stringify(spec)}`)
  if (needs.refresh) await expireAccess(episode, realmId)
  for (let times = choices.whole(0, 3); times > 0; times -= 1) trade(episode, realmId, '')
  const times = spec.kind === 'poisonedRecord' ? 3 : 1
  for (let runs = 1; runs <= times; runs += 1) {
    await ready(episode, realmId, needs.listing || choices.chance(0.3) ? 'full' : 'incremental')
    const id = mirror.sandbox.faults.add(spec)
    const process = needs.impatience ? world.startProcess(IMPATIENT) : null
    const outcome = await run(episode, realmId, process?.options)
    const { strikesLeft } = mirror.sandbox.faults.list().find((fault) => fault.id === id)!
    mirror.sandbox.faults.remove(id)
    process?.close()
    if (strikesLeft === spec.times) continue
    world.met.note('fault', spec.kind)
    if (CODE_10000.has(spec.kind)) suspects.add(realmId)
    if (spec.kind === 'poisonedRecord')
      unservedOf(episode, realmId).add(`${TABLES[spec.entity!]} ${spec.recordId}`)
    // An answer that is behind makes a run that is behind: the next one has to make up for it.
    if (spec.kind === 'staleRead') {
      episode.listedBehind.add(realmId)
      return plainRun(episode, realmId)
    }
    if (isDone(outcome)) await afterDone(episode, realmId)
  }
}

// Long enough for an answer over loopback to come in time as a rule; one that does not is a fault more.
const IMPATIENT = { callTimeoutMs: 100, tokenTimeoutMs: 100 }
const CODE_10000: ReadonlySet<string> = new Set([
  'systemFault10000',
  'systemFault10000With400',
  'fault200',
  'groupFault',
  'poisonedRecord',
])
const TABLES: Record<string, string> = { Bill: 'bills', Invoice: 'invoices' }

async function runWithBusinessMeanwhile(episode: Episode, realmId: string): Promise<void> {
  const { world, mirror, choices } = episode
  world.disturb({
    between(of) {
      if (of !== realmId || !choices.chance(0.6)) return
      mirror.clock.move({ seconds: choices.whole(0, 2) })
      trade(episode, realmId, 'meanwhile ')
    },
  })
  await ready(episode, realmId, choices.chance(0.3) ? 'full' : 'incremental')
  await run(episode, realmId)
  world.undisturb()
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
  world.disturb({
    async between(of) {
      if (of !== realmId || !first) return
      first = false
      asleep.give()
      await wake.given
    },
  })
  const slow = run(episode, realmId)
  const fellAsleep = await Promise.race([asleep.given.then(() => true), slow.then(() => false)])
  await lapse(mirror, realmId)
  if (choices.chance(0.7)) trade(episode, realmId, 'meanwhile ')
  await ready(episode, realmId)
  const fast = await run(episode, realmId)
  const before = isDone(fast) ? await remember(mirror, realmId) : null
  wake.give()
  const woken = await slow
  world.undisturb()
  if (fellAsleep) {
    deepStrictEqual(woken.kind === 'failed' && woken.error.code, 'lease_lost', 'an overtaken run went on')
  }
  if (before) {
    const { records } = await remember(mirror, realmId)
    deepStrictEqual(records, before.records, 'an overtaken run wrote something')
  }
}

/** An operator stops a company and lets it go on: meanwhile it costs no call. */
async function pauseAndResume(episode: Episode, realmId: string): Promise<void> {
  const { mirror } = episode
  if ((await statusOf(mirror, realmId)) !== 'active') return
  await ready(episode, realmId)
  await pauseCompany(mirror.database, realmId, BY_TEST)
  const before = callsMade(episode)
  const outcome = await mirror.run(realmId)
  deepStrictEqual(outcome, { kind: 'skipped', reason: 'inactive' }, 'a paused company was run')
  deepStrictEqual(callsMade(episode), before, 'a paused company was called')
  await plainRun(episode, realmId)
}

/** Longer than change data capture reaches back, by both clocks or by that of QuickBooks alone. */
async function longSilence(episode: Episode, realmId: string): Promise<void> {
  const { world, mirror, choices, story } = episode
  // A second one could outlast the refresh tokens.
  if (episode.wasSilent) return
  episode.wasSilent = true
  const ours = choices.pick([31, 28])
  mirror.clock.move({ days: 31 })
  world.ourClock.move({ days: ours })
  story.push(`  31 days, ${ours} by our clock`)
  trade(episode, realmId, '')
  await plainRun(episode, realmId)
}

async function tokensAtOnce(episode: Episode, realmId: string): Promise<void> {
  const { mirror } = episode
  await expireAccess(episode, realmId)
  const isDead = await isTokenDead(episode, realmId)
  const before = callsMade(episode)
  const tokens = await Promise.allSettled([1, 2, 3].map(() => mirror.accessToken(realmId)))
  const refreshes = callsMade(episode) - before
  episode.calls.exactly += refreshes
  if (isDead) {
    const codes = tokens.map((token) => (token.status === 'rejected' ? token.reason.code : 'a token'))
    return deepStrictEqual(new Set(codes), new Set(['needs_reauth']), 'a dead refresh token gave a token')
  }
  const given = tokens.map((token) => (token.status === 'fulfilled' ? token.value : String(token.reason)))
  deepStrictEqual(new Set(given).size, 1, `callers at once got different tokens: ${given.join(', ')}`)
  deepStrictEqual(tokens[0]!.status, 'fulfilled', `callers got no token: ${given[0]}`)
  deepStrictEqual(refreshes, 1, 'callers at once must cost one refresh')
}

/** A record that cannot be mapped hinders no other, is kept among the rejects, and is taken once it is mended. */
async function brokenRecord(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, story, lastBusinessAt } = episode
  const books = mirror.sandbox.books(realmId)
  const now = mirror.clock.now()
  if (choices.chance(0.6)) story.push(`  damaged ${damage(books, choices, now)}`)
  else story.push(`  mended ${mend(books, now)}`)
  lastBusinessAt.set(realmId, now)
  if (choices.chance(0.7)) await plainRun(episode, realmId)
}

function signal(): { readonly given: Promise<void>; give(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { given: promise, give: resolve }
}
