import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Knex } from 'knex'
import { connect } from '../../src/db/connect.ts'
import { createDatabase, rowsOf, type Database } from '../../src/db/database.ts'
import { foldTotals } from '../../src/sync/fold-totals.ts'
import { raiseTotals, type Increment } from '../../src/sync/raise-totals.ts'
import { readSyncMetrics } from '../../src/sync/read-metrics.ts'
import { createTestClock } from '../setup/clock.ts'
import { createTestDatabase, type TestDatabase } from '../setup/test-database.ts'

const REALM = '4620816300000000301'
const SECONDS = 'ledger_sync_run_duration_seconds_sum'

let testDatabase: TestDatabase
let database: Database
let knex: Knex

beforeAll(async () => {
  testDatabase = await createTestDatabase()
  knex = connect({
    url: testDatabase.url,
    tls: 'off',
    poolMax: 8,
    applicationName: 'test',
    statementTimeoutMs: 20_000,
  })
  database = createDatabase(knex, createTestClock())
})

afterAll(async () => {
  await knex.destroy()
  await testDatabase.drop()
})

const opened: Knex.Transaction[] = []

beforeEach(async () => {
  await knex.raw('TRUNCATE metric_totals, metric_raises')
})

// A test that failed half way left its transactions open.
afterEach(async () => {
  for (const trx of opened.splice(0)) if (!trx.isCompleted()) await trx.rollback()
})

const ran = (by: number): Increment => ({ metric: SECONDS, labels: {}, by })

const calledBy = (realmId: string, by: number): Increment => ({
  metric: 'ledger_quickbooks_metered_calls_total',
  labels: { realm_id: realmId },
  by,
})

function raise(...increments: Increment[]): Promise<void> {
  return database.transaction((tx) => raiseTotals(tx, increments))
}

/** As code of 0.1.0 does it, which may run beside this during a deploy. */
async function raiseDirectly(by: number): Promise<void> {
  await knex.raw(
    `INSERT INTO metric_totals AS t (metric, labels, total) VALUES (?, '{}', ?)
     ON CONFLICT (metric, labels) DO UPDATE SET total = t.total + excluded.total`,
    [SECONDS, by],
  )
}

/** Every total that a scrape would tell, by metric and realm. */
async function told(): Promise<Record<string, number>> {
  const { totals } = await readSyncMetrics(database, { perCompany: true, intervalSeconds: 900 })
  return Object.fromEntries(
    totals.map(({ metric, labels, total }) => [[metric, ...Object.values(labels)].join(' '), total]),
  )
}

async function kept(): Promise<{ totals: number; raises: number }> {
  const [row] = await rowsOf<{ totals: number; raises: number }>(
    knex,
    `SELECT coalesce((SELECT sum(total) FROM metric_totals), 0) AS totals, (SELECT count(*) FROM metric_raises) AS raises`,
  )
  return row!
}

/** Does something in a transaction that stays open. Where it would have to wait for another one, it fails. */
async function heldOpen(work: (trx: Knex.Transaction) => Promise<unknown>): Promise<Knex.Transaction> {
  const trx = await knex.transaction()
  opened.push(trx)
  await trx.raw(`SET LOCAL lock_timeout = '2s'`)
  await work(trx)
  return trx
}

const raising = (trx: Knex.Transaction, ...increments: Increment[]) =>
  raiseTotals({ trx, now: database.clock.now() }, increments)

/** Waits until somebody waits for a lock, or `work` is done without. */
async function untilWaiting(work: Promise<unknown>): Promise<void> {
  let done = false
  const ending = () => {
    done = true
  }
  work.then(ending, ending)
  while (!done && (await rowsOf(knex, WAITING)).length === 0);
}

const WAITING = `
  SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`

describe('a run that ends', () => {
  test('waits for no other that raises the same totals, nor for a fold of them', async () => {
    await raise(ran(1))
    const fold = await heldOpen((trx) => foldTotals({ knex: trx }))
    const first = await heldOpen((trx) => raising(trx, ran(2)))
    const second = await heldOpen((trx) => raising(trx, ran(4)))
    await second.commit()
    await first.commit()
    await fold.commit()
    expect(await told()).toEqual({ [SECONDS]: 7 })
  })

  test('that comes to nothing raises nothing', async () => {
    const trx = await heldOpen((open) => raising(open, ran(1)))
    await trx.rollback()
    expect(await told()).toEqual({})
  })

  test('adds up what it raises more than once', async () => {
    await raise(ran(1), ran(2), calledBy(REALM, 3))
    expect(await kept()).toMatchObject({ raises: 2 })
    expect(await told()).toEqual({ [SECONDS]: 3, [`ledger_quickbooks_metered_calls_total ${REALM}`]: 3 })
  })
})

describe('a scrape tells every total once and at once', () => {
  test('before a fold, while one is under way, and after it', async () => {
    await raise(ran(1))
    await foldTotals(database)
    await raise(ran(2), calledBy(REALM, 3))
    const all = { [SECONDS]: 3, [`ledger_quickbooks_metered_calls_total ${REALM}`]: 3 }
    expect(await told()).toEqual(all)
    const fold = await heldOpen((trx) => foldTotals({ knex: trx }))
    expect(await kept()).toEqual({ totals: 1, raises: 2 })
    expect(await told()).toEqual(all)
    await fold.commit()
    expect(await kept()).toEqual({ totals: 6, raises: 0 })
    expect(await told()).toEqual(all)
  })

  test('after a fold that died', async () => {
    await raise(ran(1))
    const fold = await heldOpen((trx) => foldTotals({ knex: trx }))
    await fold.rollback()
    expect(await told()).toEqual({ [SECONDS]: 1 })
    await foldTotals(database)
    expect(await told()).toEqual({ [SECONDS]: 1 })
  })

  test('when code of the release before raises them beside, which nothing here keeps from it', async () => {
    await raiseDirectly(1)
    await raise(ran(2))
    await raiseDirectly(4)
    await foldTotals(database)
    await raiseDirectly(8)
    expect(await told()).toEqual({ [SECONDS]: 15 })
  })

  const fraction = fc.double({ min: 0, max: 4000, noNaN: true })
  const raises = fc.record({ raise: fc.array(fraction, { minLength: 1, maxLength: 4 }) })

  test('and a fold changes none, not by its last digit, whatever was raised in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(raises, { minLength: 1, maxLength: 4 }), async (rounds) => {
        await knex.raw('TRUNCATE metric_totals, metric_raises')
        for (const round of rounds) {
          for (const by of round.raise) await raise(ran(by))
          const before = await told()
          await foldTotals(database)
          expect(await told()).toEqual(before)
        }
        const sum = rounds.flatMap((round) => round.raise).reduce((a, b) => a + b)
        // Half of a 1024th an amount, of sixteen at most.
        expect(Math.abs((await told())[SECONDS]! - sum)).toBeLessThanOrEqual(8 / 1024)
      }),
      { numRuns: 30 },
    )
  })

  const step = fc.oneof(
    { weight: 4, arbitrary: raises },
    { weight: 1, arbitrary: fc.record({ raiseDirectly: fraction }) },
    { weight: 2, arbitrary: fc.constant('fold' as const) },
  )

  test('and none ever falls, not even when the release before raises fractions of another kind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        await knex.raw('TRUNCATE metric_totals, metric_raises')
        let before = 0
        for (const done of steps) {
          if (done === 'fold') await foldTotals(database)
          else if ('raise' in done) for (const by of done.raise) await raise(ran(by))
          else await raiseDirectly(done.raiseDirectly)
          const now = (await told())[SECONDS] ?? 0
          expect(now).toBeGreaterThanOrEqual(before)
          before = now
        }
      }),
      {
        numRuns: 30,
        // Added one after another these come to 26.385578125000002, and the last three first to 26.385578125.
        examples: [[[{ raiseDirectly: 1.618 }, { raise: [2.5, 17.0888671875, 5.1787109375] }, 'fold']]],
      },
    )
  })
})

describe('a fold', () => {
  test('passes over what another one is folding', async () => {
    await raise(ran(1))
    const first = await heldOpen((trx) => foldTotals({ knex: trx }))
    const second = await heldOpen((trx) => foldTotals({ knex: trx }))
    await second.commit()
    await first.commit()
    expect(await kept()).toEqual({ totals: 1, raises: 0 })
  })

  test('waits for another one that holds the same total, and then adds to it', async () => {
    await raise(ran(1))
    await foldTotals(database)
    await raise(ran(2))
    const first = await heldOpen((trx) => foldTotals({ knex: trx }))
    await raise(ran(4))
    const second = foldTotals(database)
    await untilWaiting(second)
    expect(await kept()).toEqual({ totals: 1, raises: 2 })
    await first.commit()
    await second
    expect(await kept()).toEqual({ totals: 7, raises: 0 })
  })

  test('by several at once, with runs ending meanwhile, takes each amount once', async () => {
    const realms = Array.from({ length: 20 }, (_, index) => String(100 + index))
    const ending = async () => {
      for (const realm of realms) await raise(ran(1), calledBy(realm, 2))
    }
    const folding = async () => {
      for (const _ of realms) await foldTotals(database)
    }
    await Promise.all([ending(), ending(), folding(), folding(), folding()])
    await foldTotals(database)
    expect(await kept()).toEqual({ totals: 40 + 80, raises: 0 })
    expect(await told()).toEqual({
      [SECONDS]: 40,
      ...Object.fromEntries(realms.map((realm) => [`ledger_quickbooks_metered_calls_total ${realm}`, 4])),
    })
  })

  test('takes all that hours without a scheduler left', async () => {
    await knex.raw(
      `INSERT INTO metric_raises SELECT ?, jsonb_build_object('realm_id', n % 7), 1 FROM generate_series(1, 120001) n`,
      ['ledger_quickbooks_metered_calls_total'],
    )
    const before = await told()
    await foldTotals(database)
    expect(await kept()).toEqual({ totals: 120_001, raises: 0 })
    expect(await told()).toEqual(before)
  })

  test('under way puts nothing back of a company that is purged meanwhile', async () => {
    await knex.raw(
      `INSERT INTO companies (realm_id, status, status_changed_at, next_sync_at, created_at)
       VALUES (?, 'disconnected', now(), now(), now())`,
      [REALM],
    )
    await raise(calledBy(REALM, 3), ran(1))
    const fold = await heldOpen((trx) => foldTotals({ knex: trx }))
    const purging = knex.raw('SELECT purge_company(?, ?)', [REALM, 'asked for by the client']).then()
    await untilWaiting(purging)
    await fold.commit()
    await purging
    expect(await told()).toEqual({ [SECONDS]: 1 })
  })
})
