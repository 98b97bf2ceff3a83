import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { askReconciles } from '../../src/reconcile/ask-reconciles.ts'
import { openQueue, type TestQueue } from '../jobs/open-queue.ts'

const DAYS = 7
const HOUR_MS = 3_600_000

let queue: TestQueue

beforeAll(async () => {
  queue = await openQueue()
})

afterAll(() => queue.close())

beforeEach(() => queue.rows('TRUNCATE companies CASCADE'))

describe('asking for complete listings', () => {
  const ids = Array.from({ length: 10 }, (_, at) => String(700 + at))

  test('takes a few at once, the longest overdue first, and the next when they are served', async () => {
    await overdue(ids)
    expect(await ask()).toEqual(ids.slice(0, 4))
    expect(await ask()).toEqual([])
    await queue.rows(`UPDATE companies SET served_seq = requested_seq WHERE realm_id IN ('700', '702')`)
    expect((await ask()).sort()).toEqual(['704', '705'])
    expect(
      await queue.rows(`SELECT realm_id FROM companies WHERE requested_mode = 'full' ORDER BY realm_id`),
    ).toEqual(['701', '703', '704', '705'].map((realmId) => ({ realm_id: realmId })))
  })

  test('is a request like any other, for a full run', async () => {
    await overdue(['700'])
    await ask()
    expect(await queue.rows('SELECT * FROM companies')).toMatchObject([
      {
        requested_seq: 1,
        served_seq: 0,
        requested_mode: 'full',
        requested_trigger: 'reconcile',
        reconcile_seq: 1,
      },
    ])
  })

  test.each([
    ['waits after a failure', `not_before = :later`],
    ['was paused meanwhile', `status = 'paused'`],
    ['lost its connection', `status = 'needs_reauth'`],
  ])('is not held up by a company that %s', async (_what, set) => {
    await overdue(ids)
    await ask()
    await queue.rows(`UPDATE companies SET ${set} WHERE realm_id = '700'`, { later: inHours(1) })
    expect(await ask()).toEqual(['704'])
  })

  test('counts one that somebody else asked for too as theirs', async () => {
    await overdue(ids)
    await ask()
    await queue.rows(`UPDATE companies SET requested_seq = 2, full_requested_seq = 2 WHERE realm_id = '700'`)
    expect(await ask()).toEqual(['704'])
  })

  test.each([
    ['was never synced', `last_success_at = NULL`],
    ['is asked for already', `requested_seq = 1`],
    ['waits', `not_before = :later`],
    ['is paused', `status = 'paused'`],
    ['has lapsed', `status = 'unavailable'`],
    ['was listed within half a day', `last_reconciled_at = :lately`],
    ['was asked for within half a day', `reconcile_asked_at = :lately`],
  ])('passes over a company that %s', async (_what, set) => {
    await overdue(['700'])
    await queue.rows(`UPDATE companies SET ${set}`, { later: inHours(1), lately: inHours(-11) })
    expect(await ask()).toEqual([])
  })

  test('takes a company of which no listing is known by its registration', async () => {
    await overdue(['700', '701'])
    await queue.rows(`UPDATE companies SET last_reconciled_at = NULL`)
    await queue.rows(`UPDATE companies SET created_at = :now WHERE realm_id = '701'`, { now: inHours(-1) })
    expect(await ask()).toEqual(['700'])
  })

  function ask(): Promise<string[]> {
    return queue.database.transaction((tx) => askReconciles(tx, DAYS))
  }

  /** Companies far beyond their time, the first of them furthest. */
  async function overdue(realmIds: readonly string[]): Promise<void> {
    await queue.addCompanies(realmIds, { last_success_at: inHours(-1), created_at: inHours(-24 * 400) })
    for (const [at, realmId] of realmIds.entries()) {
      await queue.rows(`UPDATE companies SET last_reconciled_at = :listedAt WHERE realm_id = :realmId`, {
        listedAt: inHours(-24 * 14 * (realmIds.length - at + 2)),
        realmId,
      })
    }
  }

  function inHours(hours: number): Date {
    return new Date(queue.clock.now().getTime() + hours * HOUR_MS)
  }
})
