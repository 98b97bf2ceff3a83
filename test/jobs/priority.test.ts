import { once } from 'node:events'
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { PgBoss } from 'pg-boss'
import { queueBehind } from '../../src/jobs/enqueue.ts'
import { mustGiveWay } from '../../src/jobs/give-way.ts'
import { PRIORITIES } from '../../src/jobs/priority.ts'
import { SYNC_QUEUE, type SyncJob } from '../../src/jobs/queues.ts'
import { workSyncs } from '../../src/jobs/work.ts'
import { openQueue, type TestQueue } from './open-queue.ts'

let queue: TestQueue
let boss: PgBoss

beforeEach(async () => {
  queue = await openQueue()
  boss = await queue.start('sends')
})

afterEach(() => queue.close())

const ASKED = { requested_trigger: 'manual' }
const DUE = { requested_trigger: 'schedule' }

/** Companies whose entities are complete up to a moment ago. */
async function addSynced(realmIds: readonly string[], columns: Record<string, string>): Promise<void> {
  await queue.addCompanies(realmIds, { requested_seq: 1, ...columns })
  for (const realmId of realmIds) {
    await queue.rows(
      `INSERT INTO sync_states (realm_id, entity, watermark) VALUES (:realmId, 'bill', :now)`,
      { realmId, now: queue.clock.now() },
    )
  }
}

const addNew = (realmIds: readonly string[]) =>
  queue.addCompanies(realmIds, { requested_seq: 1, full_requested_seq: 1, requested_trigger: 'backfill' })

const waiting = async () =>
  Object.fromEntries(
    (
      await queue.rows<{ key: string; priority: number }>(
        `SELECT singleton_key AS key, priority FROM pgboss.job WHERE name = '${SYNC_QUEUE}' AND state < 'active'`,
      )
    ).map(({ key, priority }) => [key, priority]),
  )

describe('the priority of a job', () => {
  test.each([
    ['asked for by a person', ASKED, '', PRIORITIES.asked],
    ['asked for by QuickBooks', { requested_trigger: 'webhook' }, '', PRIORITIES.told],
    ['that is due', DUE, '', PRIORITIES.small],
    ['whose process died', { requested_trigger: 'recovery' }, '', PRIORITIES.small],
    ['that a person wants in full', ASKED, 'UPDATE companies SET full_requested_seq = 1', PRIORITIES.bulk],
    ['with a listing under way', ASKED, `UPDATE sync_states SET listing = '{}'`, PRIORITIES.bulk],
    ['with an entity never read', ASKED, 'UPDATE sync_states SET watermark = NULL', PRIORITIES.bulk],
    [
      'that was away too long',
      DUE,
      `UPDATE sync_states SET watermark = watermark - interval '30 days'`,
      PRIORITIES.bulk,
    ],
    ['never synced', ASKED, 'DELETE FROM sync_states', PRIORITIES.bulk],
  ])('of a company %s', async (_what, columns, change, priority) => {
    await addSynced(['1'], columns)
    if (change !== '') await queue.rows(change)
    await queue.send(boss, ['1'])
    expect(await waiting()).toEqual({ 1: priority })
  })

  test('rises when a person asks for a company that waits already, and does not fall again', async () => {
    await addSynced(['1', '2'], DUE)
    await queue.send(boss, ['1', '2'])
    await queue.rows(`UPDATE companies SET requested_trigger = 'manual' WHERE realm_id = '1'`)
    await queue.send(boss, ['1'])
    expect(await waiting()).toEqual({ 1: PRIORITIES.asked, 2: PRIORITIES.small })
    await queue.rows(`UPDATE companies SET requested_trigger = 'recovery'`)
    await queue.send(boss, ['1', '2'])
    expect(await waiting()).toEqual({ 1: PRIORITIES.asked, 2: PRIORITIES.small })
  })

  test('of bulk that nobody let through for ten minutes rises to that of small ones', async () => {
    await addNew(['1', '2'])
    await queue.send(boss, ['1', '2'])
    await queue.rows(
      `UPDATE pgboss.job SET created_on = created_on - interval '11 minutes' WHERE singleton_key = '1'`,
    )
    await queue.send(boss, ['1', '2'])
    expect(await waiting()).toEqual({ 1: PRIORITIES.small, 2: PRIORITIES.bulk })
  })
})

/** Work on companies that goes on until it is let go. */
function openWork() {
  const events = new EventEmitter()
  const begun: string[] = []
  return {
    begun,
    async perform(realmId: string) {
      begun.push(realmId)
      events.emit('begun')
      await once(events, `end ${realmId}`)
    },
    end: (realmId: string) => events.emit(`end ${realmId}`),
    async until(count: number) {
      while (begun.length < count) await once(events, 'begun')
    },
  }
}

describe('the loops', () => {
  test('keep one free of bulk where there are two', async () => {
    await addNew(['1', '2', '3'])
    await addSynced(['4'], DUE)
    const worker = await queue.start('works')
    const work = openWork()
    await workSyncs(worker, 2, work.perform)
    await queue.send(boss, ['1', '2', '3'])
    await work.until(1)
    await queue.send(boss, ['4'])
    await work.until(2)
    expect(work.begun[1]).toBe('4')
    work.end('4')
    work.end(work.begun[0]!)
    await work.until(3)
    expect(await waiting()).not.toEqual({})
    for (const realmId of ['1', '2', '3']) work.end(realmId)
    await work.until(4)
    for (const realmId of ['1', '2', '3']) work.end(realmId)
  })

  test('take what somebody waits for first, then small ones, then bulk', async () => {
    await addNew(['4'])
    await addSynced(['5'], DUE)
    await addSynced(['6'], ASKED)
    for (const realmId of ['4', '5', '6']) await queue.send(boss, [realmId])
    const worker = await queue.start('works')
    const done: string[] = []
    const all = new EventEmitter()
    await workSyncs(worker, 1, async (realmId) => {
      done.push(realmId)
      if (done.length === 3) all.emit('done')
    })
    if (done.length < 3) await once(all, 'done')
    expect(done).toEqual(['6', '5', '4'])
  })

  test('come back to a company that gave way after all others of its kind', async () => {
    await addNew(['1', '2', '3'])
    for (const realmId of ['1', '2', '3']) await queue.send(boss, [realmId])
    const worker = await queue.start('works')
    const done: string[] = []
    const all = new EventEmitter()
    await workSyncs(worker, 1, async (realmId, _last, { id }) => {
      done.push(realmId)
      if (done.length <= 2) await queueBehind(boss, queue.database, { id, realmId })
      if (done.length === 5) all.emit('done')
    })
    if (done.length < 5) await once(all, 'done')
    expect(done).toEqual(['1', '2', '3', '1', '2'])
    const failed = await queue.rows(`SELECT FROM pgboss.job WHERE state IN ('retry', 'failed')`)
    expect(failed).toEqual([])
  })
})

describe('a run that lists', () => {
  const waitsFor = async (realmId: string, seconds: number) => {
    await queue.send(boss, [realmId])
    await queue.rows(
      `UPDATE pgboss.job SET created_on = created_on - make_interval(secs => :seconds),
                             start_after = start_after - make_interval(secs => :seconds)
        WHERE singleton_key = :realmId`,
      { realmId, seconds },
    )
  }
  const gives = (goingSeconds: number, priority: number = PRIORITIES.bulk) =>
    mustGiveWay(queue.database, { priority, goingSeconds })

  test('goes on while nobody waits', async () => {
    expect(await gives(3_600)).toBe(false)
  })

  test('gives way at once to what a person asked for', async () => {
    await addSynced(['1'], ASKED)
    await waitsFor('1', 1)
    expect(await gives(0)).toBe(true)
  })

  test('gives way after some seconds to small ones', async () => {
    await addSynced(['1'], DUE)
    await waitsFor('1', 3)
    expect([await gives(1), await gives(6)]).toEqual([false, true])
  })

  test('gives way after a minute to other bulk', async () => {
    await addNew(['1'])
    await waitsFor('1', 3)
    expect([await gives(59), await gives(61)]).toEqual([false, true])
  })

  test('gives its loop back at once when it was not known to list', async () => {
    expect(await gives(0, PRIORITIES.small)).toBe(true)
  })

  test('does not give way to a job that is under way itself', async () => {
    await addSynced(['1'], ASKED)
    await queue.send(boss, ['1'])
    await boss.fetch<SyncJob>(SYNC_QUEUE)
    expect(await gives(3_600)).toBe(false)
  })
})
