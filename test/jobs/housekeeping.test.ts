import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { cleanUp, deleteOldRuns } from '../../src/jobs/housekeeping.ts'
import { openQueue, type TestQueue } from './open-queue.ts'

let queue: TestQueue

beforeAll(async () => {
  queue = await openQueue()
  await queue.addCompanies(['1', '2', '3'])
})

afterAll(() => queue.close())

beforeEach(() => queue.rows('TRUNCATE sync_runs, sync_rejects, tombstones, quickbooks_calls'))

interface Kind {
  readonly days: number
  readonly changed?: boolean
  readonly status?: string
  readonly count?: number
}

async function addRuns(
  realmId: string,
  { days, changed = false, status = 'succeeded', count = 1 }: Kind,
): Promise<void> {
  const startedAt = new Date(queue.clock.now().getTime() - days * 86_400_000)
  await queue.rows(
    `INSERT INTO sync_runs (realm_id, trigger, mode, status, started_at, finished_at, served_request, changed)
     SELECT :realmId, 'schedule', 'incremental', :status, :startedAt,
            CASE WHEN :status = 'running' THEN NULL ELSE CAST(:startedAt AS timestamptz) END, 1, :changed
       FROM generate_series(1, :count)`,
    { realmId, status, startedAt, changed, count },
  )
}

async function keptDays(): Promise<number[]> {
  const rows = await queue.rows<{ at: Date }>('SELECT started_at AS at FROM sync_runs ORDER BY started_at')
  return rows.map(({ at }) => (queue.clock.now().getTime() - at.getTime()) / 86_400_000)
}

test('deletes old runs that changed nothing, however they ended, and no others', async () => {
  for (const status of ['succeeded', 'partial', 'failed', 'abandoned'])
    await addRuns('1', { days: 91, status })
  await addRuns('1', { days: 92, changed: true })
  await addRuns('1', { days: 93, status: 'running' })
  await addRuns('1', { days: 90 })
  await addRuns('1', { days: 1 })
  expect(await deleteOldRuns(queue.database, 90)).toBe(4)
  expect(await keptDays()).toEqual([93, 92, 90, 1])
})

test('goes on until nothing is left to delete', async () => {
  await addRuns('2', { days: 100, count: 20_000 })
  expect(await deleteOldRuns(queue.database, 90)).toBe(20_000)
  expect(await deleteOldRuns(queue.database, 90)).toBe(0)
})

function daysAgo(days: number): Date {
  return new Date(queue.clock.now().getTime() - days * 86_400_000)
}

async function addReject(qboId: string, resolvedAt: Date | null): Promise<void> {
  await queue.rows(
    `INSERT INTO sync_rejects (realm_id, entity, qbo_id, payload, code, reason, sync_run_id, first_seen_at, last_seen_at,
                               retry_at, resolved_at)
     VALUES ('1', 'bill', :qboId, '{"Id":"7"}', 'invalid_payload', 'no amount', 1, :seen, :seen, :seen, :resolvedAt)`,
    { qboId, seen: daysAgo(200), resolvedAt },
  )
}

test('keeps of a reject resolved long ago when and why it was, and no longer the payload', async () => {
  await addReject('1', daysAgo(91))
  await addReject('2', daysAgo(89))
  await addReject('3', null)
  expect(await cleanUp(queue.database, 90)).toMatchObject({ payloads: 1 })
  expect(await queue.rows('SELECT qbo_id, payload, reason FROM sync_rejects ORDER BY qbo_id')).toEqual([
    { qbo_id: '1', payload: '', reason: 'no amount' },
    { qbo_id: '2', payload: '{"Id":"7"}', reason: 'no amount' },
    { qbo_id: '3', payload: '{"Id":"7"}', reason: 'no amount' },
  ])
  expect(await cleanUp(queue.database, 90)).toMatchObject({ payloads: 0 })
})

test('forgets old deletes of records never seen, unless a rejected copy could bring one back', async () => {
  for (const [qboId, days] of [
    ['1', 91],
    ['2', 91],
    ['3', 89],
  ] as const) {
    await queue.rows(
      `INSERT INTO tombstones (realm_id, entity, qbo_id, source_updated_at, observed_at, deleted_at, sync_run_id)
       VALUES ('1', 'bill', :qboId, :at, :at, :at, 1)`,
      { qboId, at: daysAgo(days) },
    )
  }
  await addReject('2', null)
  expect(await cleanUp(queue.database, 90)).toMatchObject({ tombstones: 1 })
  expect(await queue.rows('SELECT qbo_id FROM tombstones ORDER BY qbo_id')).toEqual([
    { qbo_id: '2' },
    { qbo_id: '3' },
  ])
})

describe('calls of months long ago', () => {
  const addCalls = (realmId: string, day: string, status: string, calls: number) =>
    queue.rows(
      `INSERT INTO quickbooks_calls (realm_id, day, operation, status, calls, metered_calls)
       VALUES (:realmId, :day, 'cdc', :status, :calls, 1)`,
      { realmId, day, status, calls },
    )
  const rows = () =>
    queue.rows(
      `SELECT realm_id AS realm, CAST(day AS text) AS day, status, calls, metered_calls AS metered
         FROM quickbooks_calls
        ORDER BY realm_id, day, status`,
    )
  /** The first of the month so many months ago, and days of it. */
  const day = (months: number, of: number) => {
    const now = queue.clock.now()
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, of)).toISOString().slice(0, 10)
  }

  test('are added up, month by month, for each company, kind and status', async () => {
    await addCalls('1', day(14, 1), '200', 5)
    await addCalls('1', day(14, 2), '200', 7)
    await addCalls('1', day(14, 3), '500', 1)
    await addCalls('1', day(15, 28), '200', 2)
    await addCalls('2', day(14, 9), '200', 3)
    await addCalls('2', day(13, 1), '200', 4)
    await addCalls('2', day(13, 2), '200', 4)
    const once = [
      { realm: '1', day: day(15, 1), status: '200', calls: 2, metered: 1 },
      { realm: '1', day: day(14, 1), status: '200', calls: 12, metered: 2 },
      { realm: '1', day: day(14, 1), status: '500', calls: 1, metered: 1 },
      { realm: '2', day: day(14, 1), status: '200', calls: 3, metered: 1 },
      { realm: '2', day: day(13, 1), status: '200', calls: 4, metered: 1 },
      { realm: '2', day: day(13, 2), status: '200', calls: 4, metered: 1 },
    ]
    expect(await cleanUp(queue.database, 90)).toMatchObject({ callDays: 4 })
    expect(await rows()).toEqual(once)
    expect(await cleanUp(queue.database, 90)).toMatchObject({ callDays: 0 })
    expect(await rows()).toEqual(once)
  })

  test('are counted once by two that clean up at the same time', async () => {
    for (let of = 2; of <= 28; of += 1) await addCalls('3', day(20, of), '200', 1)
    await Promise.all([cleanUp(queue.database, 90), cleanUp(queue.database, 90)])
    expect(await rows()).toEqual([{ realm: '3', day: day(20, 1), status: '200', calls: 27, metered: 27 }])
  })
})
