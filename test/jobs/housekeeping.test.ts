import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { deleteOldRuns } from '../../src/jobs/housekeeping.ts'
import { openQueue, type TestQueue } from './open-queue.ts'

let queue: TestQueue

beforeAll(async () => {
  queue = await openQueue()
  await queue.addCompanies(['1', '2', '3'])
})

afterAll(() => queue.close())

beforeEach(() => queue.rows('TRUNCATE sync_runs'))

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
