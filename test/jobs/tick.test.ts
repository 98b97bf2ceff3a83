import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { PgBoss } from 'pg-boss'
import { noteThrottled, pauseCalls } from '../../src/connections/service-state.ts'
import { enqueueSyncs } from '../../src/jobs/enqueue.ts'
import { SYNC_QUEUE, type SyncJob } from '../../src/jobs/queues.ts'
import { tick, type TickOptions, type TickResult } from '../../src/jobs/tick.ts'
import { JOBS, openQueue, type JobRow, type TestQueue } from './open-queue.ts'

const REALM = '4620816300000000601'
const OTHER_REALM = '4620816300000000602'
const INTERVAL_SECONDS = 900

let queue: TestQueue
let boss: PgBoss

beforeAll(async () => {
  queue = await openQueue()
  boss = await queue.start('sends')
})

afterAll(() => queue.close())

beforeEach(async () => {
  await queue.rows('TRUNCATE companies CASCADE')
  await queue.rows('TRUNCATE metric_totals, metric_raises')
  await queue.rows('DELETE FROM pgboss.job')
  await queue.rows(
    'UPDATE service_state SET last_tick_at = NULL, calls_paused_until = NULL, calls_paused_code = NULL, stopped_since = NULL',
  )
})

function beat(options: Partial<TickOptions> = {}): Promise<TickResult> {
  return tick({
    database: queue.database,
    enqueue: (tx, realmIds, died) => enqueueSyncs(boss, tx, realmIds, died),
    intervalSeconds: INTERVAL_SECONDS,
    monthlyCallBudget: null,
    ...options,
  })
}

async function queuedRealms(): Promise<(string | null)[]> {
  return (await queue.rows<JobRow>(JOBS)).map(({ key }) => key).sort()
}

interface CompanyRow {
  readonly realmId: string
  readonly next: Date
  readonly requested: number
  readonly served: number
  readonly trigger: string
}

async function companies(): Promise<CompanyRow[]> {
  return queue.rows<CompanyRow>(
    `SELECT realm_id AS "realmId", next_sync_at AS next, requested_seq AS requested, served_seq AS served,
            requested_trigger AS trigger FROM companies ORDER BY realm_id`,
  )
}

const inSeconds = (seconds: number) => new Date(queue.clock.now().getTime() + seconds * 1000)

/** The first moment of a company's rhythm after a moment, by whole numbers alone. */
function nextOfRhythm(realmId: string, nowMs: number, intervalSeconds: number): number {
  const hash = BigInt(`0x${createHash('md5').update(realmId).digest('hex').slice(0, 8)}`)
  const intervalMicros = BigInt(intervalSeconds) * 1_000_000n
  const phaseMicros = (hash * intervalMicros) >> 32n
  const nowMicros = BigInt(nowMs) * 1000n
  const rhythms = (nowMicros - phaseMicros) / intervalMicros
  return Number(((rhythms + 1n) * intervalMicros + phaseMicros) / 1000n)
}

describe('the rhythm of a company', () => {
  const realmIds = fc.uniqueArray(fc.stringMatching(/^[1-9][0-9]{3,18}$/), { minLength: 1, maxLength: 20 })
  const moments = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2035, 0, 1) })
  const intervals = fc.integer({ min: 1, max: 1440 }).map((minutes) => minutes * 60)

  test('has its next beat at the first phase plus a multiple of the interval after now, however late the tick', async () => {
    await fc.assert(
      fc.asyncProperty(
        realmIds,
        moments,
        intervals,
        fc.integer({ min: 0, max: 10 ** 9 }),
        async (ids, nowMs, interval, lateMs) => {
          await queue.rows('TRUNCATE companies CASCADE')
          await queue.rows('DELETE FROM pgboss.job')
          queue.clock.move({ ms: nowMs - queue.clock.now().getTime() })
          await queue.addCompanies(ids, { next_sync_at: new Date(nowMs - lateMs) })
          expect(await beat({ intervalSeconds: interval })).toEqual({
            abandoned: 0,
            queued: ids.length,
            stop: null,
            notFolded: null,
          })
          for (const { realmId, next } of await companies()) {
            expect(next.getTime()).toBeGreaterThan(nowMs)
            expect(next.getTime()).toBeLessThanOrEqual(nowMs + interval * 1000)
            expect(Math.abs(next.getTime() - nextOfRhythm(realmId, nowMs, interval))).toBeLessThanOrEqual(1)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test('spreads companies over the interval', async () => {
    const ids = Array.from({ length: 400 }, (_, at) => String(10_000 + at))
    await queue.addCompanies(ids)
    await beat()
    const nowMs = queue.clock.now().getTime()
    const quarters = [0, 0, 0, 0]
    for (const { next } of await companies()) quarters[Math.floor((next.getTime() - nowMs) / 225_000)]! += 1
    for (const quarter of quarters) expect(quarter).toBeGreaterThan(50)
  })

  test('is one run after hours of standstill, not one for every missed beat', async () => {
    await queue.addCompanies([REALM], { next_sync_at: inSeconds(-7 * 3600) })
    expect(await beat()).toMatchObject({ queued: 1 })
    await queue.rows('DELETE FROM pgboss.job')
    await queue.rows('UPDATE companies SET served_seq = requested_seq')
    queue.clock.move({ seconds: 1 })
    expect(await beat()).toMatchObject({ queued: 0 })
  })

  test('is not shifted by a clock that stepped back a little', async () => {
    await queue.addCompanies([REALM], { next_sync_at: inSeconds(300) })
    const before = await companies()
    queue.clock.move({ minutes: -5 })
    expect(await beat()).toMatchObject({ queued: 0 })
    expect(await companies()).toEqual(before)
  })

  test('does not stand still after a clock that was a day ahead, nor run all companies at once', async () => {
    await queue.addCompanies(['11', '12', '13'], { next_sync_at: inSeconds(86_400) })
    expect(await beat()).toMatchObject({ queued: 0 })
    const nowMs = queue.clock.now().getTime()
    for (const { realmId, next, requested } of await companies()) {
      expect(Math.abs(next.getTime() - nextOfRhythm(realmId, nowMs, INTERVAL_SECONDS))).toBeLessThanOrEqual(1)
      expect(requested).toBe(0)
    }
  })
})

describe('a tick', () => {
  test('makes a request of its own for a company that is due', async () => {
    await queue.addCompanies([REALM], { requested_seq: 4, served_seq: 4, requested_trigger: 'manual' })
    expect(await beat()).toEqual({ abandoned: 0, queued: 1, notFolded: null, stop: null })
    expect(await companies()).toMatchObject([{ requested: 5, served: 4, trigger: 'schedule' }])
    expect(await queuedRealms()).toEqual([REALM])
    expect(await queue.rows('SELECT last_tick_at AS at FROM service_state')).toEqual([
      { at: queue.clock.now() },
    ])
  })

  test('queues a company that was asked for, keeps its request as it is and its rhythm too', async () => {
    const next = inSeconds(300)
    await queue.addCompanies([REALM], {
      requested_seq: 4,
      served_seq: 3,
      full_requested_seq: 4,
      requested_trigger: 'webhook',
      next_sync_at: next,
    })
    for (let ticks = 0; ticks < 3; ticks += 1) await beat()
    expect(await companies()).toMatchObject([{ requested: 4, served: 3, trigger: 'webhook', next }])
    expect(await queuedRealms()).toEqual([REALM])
  })

  test('serves an open request and the rhythm by one run when both are due', async () => {
    await queue.addCompanies([REALM], { requested_seq: 4, served_seq: 3, requested_trigger: 'manual' })
    await beat()
    const [row] = await companies()
    expect(row).toMatchObject({ requested: 4, trigger: 'manual' })
    expect(row!.next.getTime()).toBeGreaterThan(queue.clock.now().getTime())
  })

  test('leaves a company that is neither due nor asked for', async () => {
    await queue.addCompanies([REALM], { next_sync_at: inSeconds(1) })
    expect(await beat()).toMatchObject({ queued: 0 })
    queue.clock.move({ seconds: 1 })
    expect(await beat()).toMatchObject({ queued: 1 })
  })

  test('leaves a company that has to wait, asked for or not, and takes it afterwards', async () => {
    await queue.addCompanies([REALM], { not_before: inSeconds(60), requested_seq: 1 })
    const before = await companies()
    expect(await beat()).toMatchObject({ queued: 0 })
    expect(await companies()).toEqual(before)
    queue.clock.move({ seconds: 60 })
    expect(await beat()).toMatchObject({ queued: 1 })
  })

  test.each([
    ['active', 1],
    ['unavailable', 1],
    ['paused', 0],
    ['needs_reauth', 0],
    ['disconnected', 0],
  ])('queues of companies that are %s: %i', async (status, queued) => {
    await queue.addCompanies([REALM], { status, requested_seq: 1 })
    expect(await beat()).toMatchObject({ queued })
  })

  test('at the same time as others queues each company once', async () => {
    const ids = Array.from({ length: 50 }, (_, at) => String(20_000 + at))
    await queue.addCompanies(ids)
    const results = await Promise.all([beat(), beat(), beat()])
    expect(await queuedRealms()).toEqual(ids)
    expect((await companies()).map(({ requested }) => requested)).toEqual(ids.map(() => 1))
    expect(results.reduce((sum, { queued }) => sum + queued, 0)).toBeGreaterThanOrEqual(50)
  })

  test('passes over a company that somebody else holds', async () => {
    await queue.addCompanies(['31', '32'])
    await queue.database.transaction(async (tx) => {
      await tx.trx.raw(`SELECT * FROM companies WHERE realm_id = '31' FOR UPDATE`)
      expect(await beat()).toMatchObject({ queued: 1 })
    })
    expect(await queuedRealms()).toEqual(['32'])
  })

  test('that cannot queue claims nothing', async () => {
    await queue.addCompanies([REALM])
    const before = await companies()
    await expect(beat({ enqueue: () => Promise.reject(new Error('no queue')) })).rejects.toThrow('no queue')
    expect(await companies()).toEqual(before)
  })

  test('closes the run of a dead process and queues its company at once', async () => {
    await queue.addCompanies([REALM], { next_sync_at: inSeconds(300), requested_seq: 2, served_seq: 1 })
    await queue.rows(
      `INSERT INTO sync_runs (realm_id, trigger, mode, status, started_at, served_request, heartbeat_at)
       VALUES (:realmId, 'schedule', 'incremental', 'running', now(), 2, clock_timestamp() - interval '31 seconds')`,
      { realmId: REALM },
    )
    expect(await beat()).toEqual({ abandoned: 1, queued: 1, notFolded: null, stop: null })
    expect(await companies()).toMatchObject([{ requested: 3, trigger: 'recovery' }])
    expect(await queue.rows('SELECT status FROM sync_runs')).toEqual([{ status: 'abandoned' }])
  })

  test('gives up the job of a dead process, and no job of a living one', async () => {
    const dead = { realmId: REALM, heartbeatAt: "clock_timestamp() - interval '31 seconds'" }
    const living = { realmId: OTHER_REALM, heartbeatAt: 'clock_timestamp()' }
    for (const { realmId, heartbeatAt } of [dead, living]) {
      await queue.addCompanies([realmId], { next_sync_at: inSeconds(300), requested_seq: 2, served_seq: 1 })
      await queue.rows(
        `INSERT INTO sync_runs (realm_id, trigger, mode, status, started_at, served_request, heartbeat_at)
         VALUES (:realmId, 'schedule', 'incremental', 'running', now(), 2, ${heartbeatAt})`,
        { realmId },
      )
    }
    await queue.send(boss, [REALM, OTHER_REALM])
    const taken = await boss.fetch<SyncJob>(SYNC_QUEUE, { batchSize: 2 })
    expect(taken.map(({ data }) => data.realmId).sort()).toEqual([REALM, OTHER_REALM].sort())
    expect(await beat()).toMatchObject({ abandoned: 1 })
    const states = async (key: string) =>
      (await queue.rows<JobRow>(JOBS)).filter((job) => job.key === key).map(({ state }) => state)
    expect(await states(REALM)).toEqual(['cancelled', 'created'])
    expect(await states(OTHER_REALM)).toEqual(['active'])
  })

  test('queues the companies though the totals of the metrics cannot be added up', async () => {
    await queue.addCompanies([REALM])
    await queue.rows(`INSERT INTO metric_raises VALUES ('a', '{}', 1)`)
    await queue.rows('ALTER TABLE metric_totals RENAME TO metric_totals_away')
    try {
      expect(await beat()).toEqual({ abandoned: 0, queued: 1, notFolded: expect.any(Error), stop: null })
    } finally {
      await queue.rows('ALTER TABLE metric_totals_away RENAME TO metric_totals')
    }
    expect(await queuedRealms()).toEqual([REALM])
    expect(await beat()).toMatchObject({ notFolded: null, stop: null })
    expect(await queue.rows('SELECT metric FROM metric_totals')).toEqual([{ metric: 'a' }])
  })
})

describe('while no call may be made', () => {
  test('a tick beats, claims nobody and shifts no rhythm', async () => {
    await queue.addCompanies([REALM])
    const before = await companies()
    const until = inSeconds(600)
    await queue.database.transaction((tx) => pauseCalls(tx, { until, code: 'throttled', reason: 'too many' }))
    expect(await beat()).toEqual({ abandoned: 0, queued: 0, notFolded: null, stop: null })
    expect(await companies()).toEqual(before)
    expect(await queue.rows('SELECT last_tick_at AS at FROM service_state')).toEqual([
      { at: queue.clock.now() },
    ])
    queue.clock.move({ seconds: 600 })
    expect(await beat()).toMatchObject({ queued: 1 })
  })

  /** A part of it was told to `metric_totals` already. */
  async function spend(month: string, calls: number): Promise<void> {
    await queue.rows(
      `WITH folded AS (
         INSERT INTO metric_totals VALUES ('metered_calls_of_month', jsonb_build_object('month', CAST(:month AS text)), 400)
       )
       INSERT INTO metric_raises VALUES ('metered_calls_of_month', jsonb_build_object('month', CAST(:month AS text)), :calls - 400)`,
      { month, calls },
    )
  }

  function moveTo(moment: string): void {
    queue.clock.move({ ms: new Date(moment).getTime() - queue.clock.now().getTime() })
  }

  test('because the budget of the month is spent, everything waits for the next month', async () => {
    moveTo('2026-12-15T10:00:00Z')
    await queue.addCompanies([REALM])
    await spend('2026-12', 1000)
    expect(await beat({ monthlyCallBudget: 1000 })).toMatchObject({ queued: 0 })
    const [state] = await queue.rows(
      'SELECT calls_paused_until AS until, calls_paused_code AS code FROM service_state',
    )
    expect(state).toEqual({ until: new Date('2027-01-01T00:00:00Z'), code: 'budget_spent' })
    moveTo('2027-01-01T00:00:00Z')
    expect(await beat({ monthlyCallBudget: 1000 })).toMatchObject({ queued: 1 })
  })

  test.each([
    ['what is left of it', '2026-12', 999, 1000],
    ['what another month took', '2026-11', 5000, 1000],
    ['that there is none', '2026-12', 5000, null],
  ])('the budget holds nobody back with %s', async (_what, month, calls, monthlyCallBudget) => {
    moveTo('2026-12-15T10:00:00Z')
    await queue.addCompanies([REALM])
    await spend(month, calls)
    expect(await beat({ monthlyCallBudget })).toMatchObject({ queued: 1 })
  })
})

describe('what ended runs raised', () => {
  const raise = () => queue.rows(`INSERT INTO metric_raises VALUES ('runs', '{}', 1), ('runs', '{}', 2)`)
  const totals = () => queue.rows('SELECT metric, labels, total FROM metric_totals')
  const raises = () => queue.rows('SELECT amount FROM metric_raises')

  test('is in metric_totals after the beat', async () => {
    await raise()
    await beat()
    expect(await totals()).toEqual([{ metric: 'runs', labels: {}, total: 3 }])
    expect(await raises()).toEqual([])
  })

  test('is so too while no calls are made', async () => {
    await raise()
    const until = inSeconds(600)
    await queue.database.transaction((tx) => pauseCalls(tx, { until, code: 'throttled', reason: 'too many' }))
    await beat()
    expect(await raises()).toEqual([])
  })

  test('holds no company up while somebody holds the totals', async () => {
    await queue.addCompanies([REALM])
    await queue.rows(`INSERT INTO metric_totals VALUES ('runs', '{}', 4)`)
    await raise()
    const holder = await queue.database.knex.transaction()
    await holder.raw('SELECT FROM metric_totals FOR UPDATE')
    const beating = beat()
    let over = false
    const ending = () => {
      over = true
    }
    beating.then(ending, ending)
    while (!over && (await queue.rows(WAITING)).length === 0);
    const queued = await queuedRealms()
    await holder.commit()
    await beating
    expect(queued).toEqual([REALM])
    expect(await totals()).toEqual([{ metric: 'runs', labels: {}, total: 7 }])
  })

  const WAITING = `
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`
})

describe('a tick beside runs that end', () => {
  test('and note something of the service does not wait for one that waits for it', async () => {
    // A clock that stepped back: the tick pulls the company's next time in, which writes its row.
    await queue.addCompanies([REALM, OTHER_REALM], { next_sync_at: inSeconds(86_400) })
    await queue.database.transaction(async (run) => {
      await run.trx.raw('UPDATE companies SET failures_in_a_row = 1 WHERE realm_id = ?', [REALM])
      const ticking = beat()
      const told = ticking.then(
        () => null,
        (error: unknown) => error,
      )
      await Promise.race([told, untilSomebodyWaits()])
      await noteThrottled(run, { realmId: REALM, ofTokens: false })
      expect(await Promise.race([told, Promise.resolve('goes on')])).not.toBeInstanceOf(Error)
      pending = told
    })
    expect(await pending).toBeNull()
  })

  test('leaves a company that somebody holds to the next one', async () => {
    await queue.addCompanies([REALM, OTHER_REALM], { next_sync_at: inSeconds(86_400) })
    await queue.database.transaction(async (other) => {
      await other.trx.raw('SELECT FROM companies WHERE realm_id = ? FOR UPDATE', [REALM])
      await beat()
      const next = await companies()
      expect(next.map(({ next: at }) => at.getTime() > inSeconds(INTERVAL_SECONDS).getTime())).toEqual([
        true,
        false,
      ])
    })
    await beat()
    expect((await companies()).every(({ next }) => next <= inSeconds(INTERVAL_SECONDS))).toBe(true)
  })

  let pending: Promise<unknown> = Promise.resolve()

  async function untilSomebodyWaits(): Promise<void> {
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    while ((await queue.rows(waiting)).length === 0) continue
  }
})
