import { deepStrictEqual } from 'node:assert'
import type { FaultSpec } from '../../src/sandbox/sandbox.ts'
import { damage, damaged } from './damage.ts'
import {
  afterDone,
  checkComplete,
  fullRun,
  isBehind,
  isCaughtUp,
  isDone,
  outlastLag,
  ready,
  run,
  trade,
} from './runs.ts'
import { unservedOf, type Episode } from './state.ts'

/** How QuickBooks refuses an answer that would hold a record it cannot read, each as it was seen. */
const REFUSALS = [
  { status: 500, code: '10000' },
  { status: 400, code: '4002' },
  { status: 500, code: '4002' },
] as const
export const REFUSALS_MET = REFUSALS.map(refusalName)

// Until it is taken away again.
const ALWAYS = 10_000
// The first looks alone at what broke a shared answer, and each goes on where the one before ended.
const MOST_RUNS = 4

/** One record cannot be read while others are deleted or vanish: these are found, and the watermark says no more. */
export async function unreadableBesideDeletes(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, story, world, suspects } = episode
  if (!(await isCaughtUp(episode, realmId))) return
  const books = mirror.sandbox.books(realmId)
  const vendor = books.records('Vendor').find((one) => one['Active'] !== false)
  if (!vendor || books.records('Bill').length < 4) return
  const refusal = choices.pick(REFUSALS)
  const recordId = choices.chance(0.4)
    ? books.createBill({ vendorId: vendor.Id, amount: '10.00' }).Id
    : choices.pick(books.records('Bill')).Id
  story.push(`  bill ${recordId} cannot be read: ${refusalName(refusal)}`)
  const fault = mirror.sandbox.faults.add({
    kind: 'poisonedRecord',
    realmId,
    entity: 'Bill',
    recordId,
    times: ALWAYS,
    ...refusal,
  })
  suspects.add(realmId)
  unservedOf(episode, realmId).add(`bills ${recordId}`)
  loseSome(episode, realmId, recordId)
  await listAround(episode, realmId)
  if (choices.chance(0.4) && books.record('Bill', recordId)) {
    const isTold = choices.chance(0.5)
    if (isTold) books.deleteTxn('Bill', recordId)
    else books.vanish('Bill', recordId)
    story.push(`  bill ${recordId} itself ${isTold ? 'deleted' : 'vanished'}`)
    episode.lastBusinessAt.set(realmId, mirror.clock.now())
    unservedOf(episode, realmId).delete(`bills ${recordId}`)
    await listAround(episode, realmId)
  }
  mirror.sandbox.faults.remove(fault)
  world.met.note('step', refusalName(refusal))
  if (choices.chance(0.7)) await fullRun(episode, realmId)
  outlastLag(episode)
}

function loseSome(episode: Episode, realmId: string, butNot: string): void {
  const { mirror, choices, story, lastBusinessAt } = episode
  const books = mirror.sandbox.books(realmId)
  for (let times = choices.whole(1, 3); times > 0; times -= 1) {
    const others = books.records('Bill').filter(({ Id }) => Id !== butNot)
    if (others.length < 2) break
    const { Id } = choices.pick(others)
    const isTold = choices.chance(0.5)
    if (isTold) books.deleteTxn('Bill', Id)
    else books.vanish('Bill', Id)
    story.push(`  bill ${Id} ${isTold ? 'deleted' : 'vanished'}`)
  }
  lastBusinessAt.set(realmId, mirror.clock.now())
}

/** Lists until every watermark is past the last business: all that can be read is here then. */
async function listAround(episode: Episode, realmId: string): Promise<void> {
  for (let runs = 1; runs <= MOST_RUNS; runs += 1) {
    await ready(episode, realmId, 'full')
    if (isDone(await run(episode, realmId))) await afterDone(episode, realmId)
    if (!(await isBehind(episode, realmId))) return
  }
  throw new Error('one record that cannot be read kept a company behind')
}

/** A rejected record is due, and the reading by its id passes over it: it is still not here, and stays a reject. */
export async function rejectPassedOver(episode: Episode, realmId: string): Promise<void> {
  const { mirror, world, choices, story, lastBusinessAt } = episode
  if (!(await isCaughtUp(episode, realmId))) return
  const books = mirror.sandbox.books(realmId)
  story.push(`  damaged ${damage(books, choices, mirror.clock.now())}`)
  lastBusinessAt.set(realmId, mirror.clock.now())
  if (!(await isCaughtUp(episode, realmId))) return
  // Longer than until the first attempt, and change data capture tells of the damage no longer.
  for (const clock of [mirror.clock, world.ourClock]) clock.move({ hours: choices.pick([2, 2, 26]) })
  if (!(await isCaughtUp(episode, realmId))) return
  for (const clock of [mirror.clock, world.ourClock]) clock.move({ hours: 4 })
  const [one] = damaged(books)
  if (!one) return
  const fault = mirror.sandbox.faults.add({ kind: 'shortPage', realmId, entity: one.type, rows: 4, times: 4 })
  await ready(episode, realmId)
  const outcome = await run(episode, realmId)
  if (hasStruck(episode, fault)) world.met.note('step', 'a reject that was passed over')
  mirror.sandbox.faults.remove(fault)
  if (isDone(outcome)) await afterDone(episode, realmId)
}

/** A complete listing passes over records, and so does the reading by id: QuickBooks' count says that they are there. */
export async function recordsPassedOver(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, world } = episode
  if (!(await isCaughtUp(episode, realmId))) return
  const fault: FaultSpec = {
    kind: 'shortPage',
    realmId,
    entity: choices.pick(['Vendor', 'Customer', 'Account', 'Bill', 'Invoice']),
    rows: choices.whole(1, 3),
    times: choices.whole(2, 6),
  }
  const id = mirror.sandbox.faults.add(fault)
  await ready(episode, realmId, 'full')
  await run(episode, realmId)
  if (hasStruck(episode, id)) world.met.note('step', 'records that were passed over')
  mirror.sandbox.faults.remove(id)
  // It was up to date before, and nothing happened since.
  await checkComplete(episode, realmId)
}

/** QuickBooks answers in time only when asked for few rows: pages shrink until everything is taken. */
export async function latePages(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, story, world } = episode
  if (!(await isCaughtUp(episode, realmId))) return
  const moreThanRows = choices.pick([300, 100, 30, 10, 3])
  const entity = choices.chance(0.7)
    ? choices.pick(['Vendor', 'Customer', 'Account', 'Bill', 'Invoice'])
    : undefined
  story.push(`  pages of more than ${moreThanRows} ${entity ?? 'records'} come too late`)
  const fault = mirror.sandbox.faults.add({
    kind: 'gatewayTimeout6002',
    realmId,
    operation: 'query',
    moreThanRows,
    times: ALWAYS,
    ...(entity && { entity }),
  })
  trade(episode, realmId, '')
  for (let runs = 1; runs <= MOST_RUNS + 1; runs += 1) {
    await ready(episode, realmId, runs === 1 ? 'full' : 'incremental')
    if (isDone(await run(episode, realmId))) await afterDone(episode, realmId)
    if (runs > 1 && !(await isBehind(episode, realmId))) break
  }
  mirror.sandbox.faults.remove(fault)
  deepStrictEqual(await isBehind(episode, realmId), false, 'pages did not become small enough')
  await checkComplete(episode, realmId)
  world.met.note('step', 'pages that came too late')
}

function hasStruck({ mirror }: Episode, id: string): boolean {
  const fault = mirror.sandbox.faults.list().find((one) => one.id === id)!
  return fault.strikesLeft! < fault.times!
}

function refusalName({ status, code }: { readonly status: number; readonly code: string }): string {
  return `unreadable under ${status} ${code}`
}
