import { deepStrictEqual } from 'node:assert'
import { confirmDisappearance } from '../../src/connections/confirm-disappearance.ts'
import { dumpMirror } from '../setup/books.ts'
import { company } from '../setup/mirror.ts'
import { checkEqual } from './invariants.ts'
import {
  checkComplete,
  exceptions,
  fullRun,
  isBehind,
  isCaughtUp,
  outlastLag,
  plainRun,
  ready,
  run,
  trade,
} from './runs.ts'
import type { Episode } from './state.ts'

// More than may go unasked, and more than half of what so small a company has.
const MANY = { least: 40, most: 55 }

/** Most bills go at once. Where QuickBooks tells of it they are deleted; where it does not, a person is asked. */
export async function mostBillsGo(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices, story, world } = episode
  const entered = await enterMany(episode, realmId)
  if (entered.length === 0) return
  const books = mirror.sandbox.books(realmId)
  if (choices.chance(0.3)) {
    for (const id of entered) books.deleteTxn('Bill', id)
    noteLoss(episode, realmId, `${entered.length} bills deleted`)
    world.met.note('step', 'most bills deleted')
    return deleted(episode, realmId)
  }
  const texts = new Map(
    books.recordsText('Bill').map((text) => [(JSON.parse(text) as { Id: string }).Id, text]),
  )
  for (const id of entered) books.vanish('Bill', id)
  noteLoss(episode, realmId, `${entered.length} bills vanished`)
  await ready(episode, realmId, 'full')
  await run(episode, realmId)
  await checkDoubted(episode, realmId, entered)
  world.met.note('code', 'mass_disappearance')
  await goOnInDoubt(episode, realmId, entered)
  const end = choices.pick(['confirmed', 'back', 'more than confirmed'] as const)
  story.push(`  ${end}`)
  world.met.note('step', `a disappearance: ${end}`)
  if (end === 'back') {
    for (const id of entered) books.putText('Bill', texts.get(id)!)
    noteLoss(episode, realmId, 'bills back')
    await fullRun(episode, realmId)
  } else {
    if (end === 'more than confirmed') await goBeyondConfirmed(episode, realmId, entered)
    await confirm(episode, realmId)
    await run(episode, realmId)
  }
  await checkComplete(episode, realmId)
  deepStrictEqual(await isBehind(episode, realmId), false, 'a doubt was over, and an entity stands still')
  deepStrictEqual(await doubted(episode, realmId), [], 'a doubt was left although it is over')
  outlastLag(episode)
}

// Change data capture tells of so many objects in one answer.
const CAP = 1_000

// Few enough to be believed: what is left of the bills when the told ones are gone is no more than a handful itself.
const BEYOND_CAP = 15

/** Of one entity more is deleted than change data capture tells in one answer, and more than half. */
export async function playMassDelete(episode: Episode): Promise<void> {
  const { mirror, world, realmIds, story } = episode
  const realmId = `${realmIds[0]!.slice(0, -1)}3`
  story.push(`mass delete ${realmId.slice(-1)}`)
  await mirror.addCompany(company({ realmId, name: realmId, records: 30, lively: false }))
  const books = mirror.sandbox.books(realmId)
  const [vendor] = books.records('Vendor')
  const entered = Array.from(
    { length: CAP + 40 },
    () => books.createBill({ vendorId: vendor!.Id, amount: '10.00' }).Id,
  )
  mirror.clock.move({ minutes: 10 })
  await plainRun(episode, realmId)
  for (const id of entered.slice(0, CAP + BEYOND_CAP)) books.deleteTxn('Bill', id)
  episode.lastBusinessAt.set(realmId, mirror.clock.now())
  mirror.clock.move({ minutes: 10 })
  await plainRun(episode, realmId)
  deepStrictEqual(await isBehind(episode, realmId), false, 'deletes that were told were doubted')
  world.met.note('step', 'more deletes than change data capture tells')
}

async function deleted(episode: Episode, realmId: string): Promise<void> {
  await plainRun(episode, realmId)
  deepStrictEqual(await isBehind(episode, realmId), false, 'deletes that were told were doubted')
  await checkComplete(episode, realmId)
}

/** @returns ids; none where the company is not up to date, or nobody is left to buy from. */
async function enterMany(episode: Episode, realmId: string): Promise<string[]> {
  const { mirror, choices } = episode
  const books = mirror.sandbox.books(realmId)
  const vendor = books.records('Vendor').find((one) => one['Active'] !== false)
  if (!vendor || books.records('Bill').length >= MANY.least) return []
  if (!(await isCaughtUp(episode, realmId))) return []
  const ids = Array.from(
    { length: choices.whole(MANY.least, MANY.most) },
    () => books.createBill({ vendorId: vendor.Id, amount: '10.00' }).Id,
  )
  noteLoss(episode, realmId, `${ids.length} bills entered`)
  return (await isCaughtUp(episode, realmId)) ? ids : []
}

function noteLoss({ mirror, story, lastBusinessAt }: Episode, realmId: string, what: string): void {
  lastBusinessAt.set(realmId, mirror.clock.now())
  story.push(`  ${what}`)
}

/** Nothing of what vanished was deleted, all else is as QuickBooks has it, and only the bills stand still. */
async function checkDoubted(episode: Episode, realmId: string, gone: readonly string[]): Promise<void> {
  const { mirror } = episode
  const keys = gone.map((id) => `bills ${id}`)
  const mirrored = await dumpMirror(mirror, realmId)
  deepStrictEqual(
    keys.filter((key) => !(key in mirrored)),
    [],
    'bills were deleted although most vanished at once',
  )
  await checkEqual(mirror, realmId, new Set([...keys, ...(await exceptions(episode, realmId))]))
  deepStrictEqual(await doubted(episode, realmId), ['bill'], 'most bills vanished')
  const troubled = await mirror.rows(
    `SELECT entity, error_code AS code FROM sync_states WHERE realm_id = :realmId AND error_code IS NOT NULL`,
    { realmId },
  )
  deepStrictEqual(troubled, [{ entity: 'bill', code: 'mass_disappearance' }], 'what stands still')
}

/** By the schedule, which waits with a look again, and asked by a person, which looks at once. */
async function goOnInDoubt(episode: Episode, realmId: string, gone: readonly string[]): Promise<void> {
  const { choices } = episode
  for (let runs = choices.whole(0, 2); runs > 0; runs -= 1) {
    trade(episode, realmId, '')
    await ready(episode, realmId, 'incremental', choices.pick(['schedule', 'manual'] as const))
    await run(episode, realmId)
    await checkDoubted(episode, realmId, gone)
  }
}

/** A confirmation reaches a few more than it named: these are not few, and a person is asked again. */
async function goBeyondConfirmed(episode: Episode, realmId: string, gone: string[]): Promise<void> {
  const { mirror } = episode
  const books = mirror.sandbox.books(realmId)
  const vendorId = books.records('Vendor').find((one) => one['Active'] !== false)?.Id
  if (vendorId === undefined) return
  const more = Array.from({ length: 21 }, () => books.createBill({ vendorId, amount: '11.00' }).Id)
  noteLoss(episode, realmId, `${more.length} bills entered`)
  await ready(episode, realmId, 'incremental', 'schedule')
  await run(episode, realmId)
  for (const id of more) books.vanish('Bill', id)
  noteLoss(episode, realmId, `${more.length} more bills vanished`)
  await confirm(episode, realmId)
  await run(episode, realmId)
  await checkDoubted(episode, realmId, [...gone, ...more])
}

async function confirm(episode: Episode, realmId: string): Promise<void> {
  const { mirror } = episode
  await ready(episode, realmId)
  await mirror.database.transaction((tx) =>
    confirmDisappearance(tx, realmId, 'bill', { actor: 'a person', requestId: 'simulation' }),
  )
}

async function doubted({ mirror }: Episode, realmId: string): Promise<string[]> {
  const rows = await mirror.rows<{ entity: string }>(
    'SELECT entity FROM disappearances WHERE realm_id = :realmId ORDER BY entity',
    { realmId },
  )
  return rows.map(({ entity }) => entity)
}
