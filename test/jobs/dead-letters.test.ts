import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { PgBoss } from 'pg-boss'
import { messageOf, readDeadLetters, removeDeadLetters } from '../../src/jobs/dead-letters.ts'
import { SYNC_QUEUE } from '../../src/jobs/queues.ts'
import { readQueueState } from '../../src/jobs/read-queue-state.ts'
import { openQueue, type TestQueue } from './open-queue.ts'

let queue: TestQueue
let boss: PgBoss

beforeAll(async () => {
  queue = await openQueue()
  boss = await queue.start('sends')
})

beforeEach(async () => {
  await queue.rows('DELETE FROM pgboss.job')
  await queue.rows('DELETE FROM companies')
  await queue.addCompanies(['1', '2'])
})

afterAll(() => queue.close())

/** Fails the job of a company, once or as often as it is tried. */
async function fail(realmId: string, { finally: isLast }: { finally: boolean }): Promise<void> {
  await queue.send(boss, [realmId])
  if (isLast) await queue.rows(`UPDATE pgboss.job SET retry_count = retry_limit WHERE name = '${SYNC_QUEUE}'`)
  const [job] = await boss.fetch(SYNC_QUEUE)
  await boss.fail(SYNC_QUEUE, job!.id, new Error(`the sync of company ${realmId} failed: internal`))
}

describe('a job given up', () => {
  test('is read with its company, its cause and its attempts, without a stack', async () => {
    await fail('1', { finally: true })
    await fail('2', { finally: false })
    const letters = await readDeadLetters(boss)
    expect(letters).toEqual([
      {
        id: expect.any(String),
        realmId: '1',
        at: expect.any(Date),
        queuedAt: expect.any(Date),
        attempts: 4,
        code: 'internal',
        message: 'the sync of company 1 failed: internal',
      },
    ])
    await removeDeadLetters(
      boss,
      letters.map(({ id }) => id),
    )
    await removeDeadLetters(boss, [])
    expect(await readDeadLetters(boss)).toEqual([])
  })

  test('is among the last failures of the queues, with one that is tried again', async () => {
    await fail('1', { finally: true })
    await fail('2', { finally: false })
    const { failures } = await readQueueState(boss, queue.database)
    expect(
      failures.map(({ realmId, state, attempts, message }) => [realmId, state, attempts, message]),
    ).toEqual([
      ['2', 'retry', 1, 'the sync of company 2 failed: internal'],
      ['1', 'failed', 4, 'the sync of company 1 failed: internal'],
    ])
  })
})

test('what waits is told by the oldest that could be taken', async () => {
  await queue.send(boss, ['1', '2'])
  await queue.rows(`UPDATE pgboss.job SET created_on = '2026-01-01T00:00:00Z' WHERE singleton_key = '2'`)
  await queue.rows(
    `UPDATE pgboss.job SET created_on = '2025-01-01T00:00:00Z', start_after = now() + INTERVAL '1 hour'
      WHERE singleton_key = '1'`,
  )
  const { oldestWaiting } = await readQueueState(boss, queue.database)
  expect(oldestWaiting).toEqual([{ queue: SYNC_QUEUE, since: new Date('2026-01-01T00:00:00Z') }])
})

test.each([
  [null, 'nothing was kept of how it ended'],
  [{ message: 'one\nat file.ts:1' }, 'one'],
  [{ value: 'two' }, 'two'],
  [{ value: { message: 'three' } }, 'three'],
  [{ other: 1 }, 'nothing was kept of how it ended'],
  [{ message: 'x'.repeat(400) }, 'x'.repeat(300)],
])('what the queue kept, %j, is one line', (output, message) => {
  expect(messageOf(output)).toBe(message)
})
