import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { PgBoss } from 'pg-boss'
import { enqueueSyncs } from '../../src/jobs/enqueue.ts'
import {
  DEAD_LETTER_QUEUE,
  ensureQueues,
  HOUSEKEEPING_QUEUE,
  SYNC_QUEUE,
  TICK_QUEUE,
} from '../../src/jobs/queues.ts'
import { readQueues } from '../../src/jobs/read-queues.ts'
import { JOBS, openQueue, type JobRow, type TestQueue } from './open-queue.ts'

let queue: TestQueue
let boss: PgBoss

beforeAll(async () => {
  queue = await openQueue()
  boss = await queue.start('sends')
})

afterEach(() => queue.rows('DELETE FROM pgboss.job'))

afterAll(() => queue.close())

const jobs = () => queue.rows<JobRow>(JOBS)

describe('the queues', () => {
  test('are made once and brought up to date after that, by any number of processes at once', async () => {
    const settings = () =>
      queue.rows(
        `SELECT name, policy, retry_limit, retry_delay, retry_backoff, expire_seconds, heartbeat_seconds, notify,
                dead_letter, retention_seconds, deletion_seconds FROM pgboss.queue WHERE name NOT LIKE '\\_\\_%' ORDER BY name`,
      )
    const made = await settings()
    expect(made.map(({ name }) => name)).toEqual([
      HOUSEKEEPING_QUEUE,
      SYNC_QUEUE,
      DEAD_LETTER_QUEUE,
      TICK_QUEUE,
    ])
    await queue.rows(`UPDATE pgboss.queue SET retry_limit = 9, notify = false WHERE name = '${SYNC_QUEUE}'`)
    await Promise.all([ensureQueues(boss), ensureQueues(boss)])
    expect(await settings()).toEqual(made)
  })

  test('retry a company long after its lease has lapsed, and never a tick', async () => {
    expect(await boss.getQueue(SYNC_QUEUE)).toMatchObject({
      policy: 'exclusive',
      notify: true,
      retryLimit: 3,
      deadLetter: DEAD_LETTER_QUEUE,
    })
    expect((await boss.getQueue(SYNC_QUEUE))!.heartbeatSeconds).toBeGreaterThan(30)
    expect(await boss.getQueue(TICK_QUEUE)).toMatchObject({ policy: 'exclusive', retryLimit: 0 })
  })

  test('tell how many jobs they hold', async () => {
    await queue.send(boss, ['1', '2'])
    await boss.supervise(SYNC_QUEUE)
    expect((await readQueues(boss)).filter(({ queue: name }) => name === SYNC_QUEUE)).toEqual([
      { queue: SYNC_QUEUE, state: 'deferred', jobs: 0 },
      { queue: SYNC_QUEUE, state: 'ready', jobs: 2 },
      { queue: SYNC_QUEUE, state: 'active', jobs: 0 },
      { queue: SYNC_QUEUE, state: 'failed', jobs: 0 },
    ])
  })
})

describe('a job', () => {
  test('carries the realm id and nothing else', async () => {
    await queue.send(boss, ['1'])
    expect(await jobs()).toMatchObject([
      { name: SYNC_QUEUE, state: 'created', data: { realmId: '1' }, key: '1' },
    ])
  })

  test('is not there when the transaction that asked for it is rolled back', async () => {
    const undone = queue.database.transaction(async (tx) => {
      await enqueueSyncs(boss, tx, ['1', '2'])
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await jobs()).toEqual([])
  })

  test('is one, however often its company is queued', async () => {
    await queue.send(boss, ['1'])
    await queue.send(boss, ['1', '2', '2'])
    await Promise.all([queue.send(boss, ['2', '3']), queue.send(boss, ['3', '2'])])
    expect((await jobs()).map(({ key }) => key).sort()).toEqual(['1', '2', '3'])
  })

  test('is one while it runs and while it waits for a retry, and another after it ended', async () => {
    await queue.send(boss, ['1'])
    const [job] = await boss.fetch(SYNC_QUEUE)
    await queue.send(boss, ['1'])
    expect(await jobs()).toMatchObject([{ state: 'active' }])
    await boss.fail(SYNC_QUEUE, job!.id, new Error('a defect'))
    await queue.send(boss, ['1'])
    expect(await jobs()).toMatchObject([{ state: 'retry' }])
    await boss.complete(SYNC_QUEUE, job!.id, undefined, { includeQueued: true })
    await queue.send(boss, ['1'])
    expect((await jobs()).map(({ state }) => state).sort()).toEqual(['completed', 'created'])
  })

  test('is not made for nobody', async () => {
    await queue.send(boss, [])
    expect(await jobs()).toEqual([])
  })
})

test('jobs of many are queued in one order, so that two who queue the same do not wait for each other', async () => {
  await queue.database.transaction((tx) => enqueueSyncs(boss, tx, ['903', '901', '902']))
  const queued = await queue.rows<{ key: string }>(
    `SELECT singleton_key AS key FROM pgboss.job WHERE name = '${SYNC_QUEUE}' ORDER BY ctid`,
  )
  expect(queued.map(({ key }) => key)).toEqual(['901', '902', '903'])
})
