import { deepStrictEqual } from 'node:assert'
import {
  checkComplete,
  fullRun,
  isDone,
  isTokenDead,
  OVERLAP_MS,
  plainRun,
  ready,
  run,
  tell,
  trade,
} from './runs.ts'
import type { Episode } from './state.ts'
import { runThatCrashes } from './step-crashes.ts'

export async function ourClockSteps({ world, choices, story }: Episode): Promise<void> {
  const seconds = choices.pick([-7_200, -60, 60, 7_200])
  story.push(`  our clock: ${seconds} s`)
  world.ourClock.move({ seconds })
}

/**
 * QuickBooks' clock jumps ahead, business and runs go on by it, and it is put back. What was read until then claims
 * to be newer than whatever comes for as long: change data capture may be without it, a complete listing never.
 */
export async function quickBooksClockSteps(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, story, world } = episode
  const seconds = choices.pick([2, 60, 290, 310, 3_600, 7_200])
  mirror.clock.move({ seconds })
  story.push(`  QuickBooks' clock: ${seconds} s`)
  const billId = enterBill(episode, realmId)
  for (let runs = choices.whole(1, 2); runs > 0; runs -= 1) {
    await choices.pick([plainRun, plainRun, fullRun, runThatCrashes])(episode, realmId)
    if (choices.chance(0.5)) trade(episode, realmId, '')
  }
  // It was behind before, and is right now.
  if (choices.chance(0.15)) return
  if (choices.chance(0.3)) await runWhilePutBack(episode, realmId, seconds)
  else putBack(episode, realmId, seconds)
  if (billId !== null && choices.chance(0.8)) changeBill(episode, realmId, billId)
  for (let times = choices.whole(0, 2); times > 0; times -= 1) {
    trade(episode, realmId, '')
    pass(episode, choices.pick([0, 1, 200, 900]))
  }
  if (choices.chance(0.4)) await plainRun(episode, realmId)
  if (choices.chance(0.7)) await listAll(episode, realmId)
  if (choices.chance(0.5)) pass(episode, seconds + choices.pick([0, 600]))
  world.met.note('step', 'a clock of QuickBooks that was put back')
}

/** A complete listing mends everything at once, and no run after it spoils what it mended. */
async function listAll(episode: Episode, realmId: string): Promise<void> {
  await ready(episode, realmId)
  if (await isTokenDead(episode, realmId)) return
  await fullRun(episode, realmId)
  await ready(episode, realmId)
  if (!isDone(await run(episode, realmId))) return
  await checkComplete(episode, realmId)
}

/** The clock is put back between two answers of one run. */
async function runWhilePutBack(episode: Episode, realmId: string, seconds: number): Promise<void> {
  const { world, choices } = episode
  await ready(episode, realmId, choices.chance(0.6) ? 'full' : 'incremental')
  const isDead = await isTokenDead(episode, realmId)
  let answersBefore = choices.whole(1, 8)
  world.disturb({
    between(of) {
      if (of !== realmId) return
      answersBefore -= 1
      if (answersBefore === 0) putBack(episode, realmId, seconds)
    },
  })
  const outcome = await run(episode, realmId)
  world.undisturb()
  if (answersBefore > 0) putBack(episode, realmId, seconds)
  else world.met.note('step', 'a clock that was put back in the middle of a run')
  deepStrictEqual(isDone(outcome) || isDead, true, `a clock was put back, and a run ${tell(outcome)}`)
}

function putBack({ mirror, story, doubts, listedBehind }: Episode, realmId: string, seconds: number): void {
  const until = mirror.clock.now()
  mirror.clock.move({ seconds: -seconds })
  const from = new Date(mirror.clock.now().getTime() - OVERLAP_MS)
  const before = doubts.get(realmId)
  doubts.set(realmId, {
    from: before && before.from < from ? before.from : from,
    until: before && before.until > until ? before.until : until,
    isListed: false,
  })
  listedBehind.add(realmId)
  story.push(`  QuickBooks' clock: ${-seconds} s`)
}

function pass({ mirror, world, story }: Episode, seconds: number): void {
  mirror.clock.move({ seconds })
  world.ourClock.move({ seconds })
  if (seconds > 0) story.push(`  ${seconds} s`)
}

/** @returns the id; null where nobody is left to buy from. */
function enterBill({ mirror, story, lastBusinessAt }: Episode, realmId: string): string | null {
  const books = mirror.sandbox.books(realmId)
  const vendor = books.records('Vendor').find((one) => one['Active'] !== false)
  if (!vendor) return null
  const { Id } = books.createBill({ vendorId: vendor.Id, amount: '12.00' })
  lastBusinessAt.set(realmId, mirror.clock.now())
  story.push(`  bill ${Id}`)
  return Id
}

/** What the mirror holds of it is newer, by what QuickBooks said, than what becomes of it now. */
function changeBill({ mirror, choices, story, lastBusinessAt }: Episode, realmId: string, id: string): void {
  const books = mirror.sandbox.books(realmId)
  if (!books.record('Bill', id)) return
  const isDelete = choices.chance(0.5)
  try {
    if (isDelete) books.deleteTxn('Bill', id)
    else books.editBill(id, { amount: '99.00' })
    story.push(`  bill ${id} ${isDelete ? 'deleted' : 'edited'}`)
  } catch (error) {
    story.push(`  bill ${id} stays: ${String(error)}`)
  }
  lastBusinessAt.set(realmId, mirror.clock.now())
}
