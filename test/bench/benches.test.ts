import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { backfill } from '../../bench/backfill.ts'
import type { BenchContext, Report } from '../../bench/bench.ts'
import { startBenchPostgres, type BenchPostgres } from '../../bench/bench-postgres.ts'
import { fleet } from '../../bench/fleet.ts'
import { heavyPages } from '../../bench/heavy-pages.ts'
import { metricsBench } from '../../bench/metrics.ts'
import { peer } from '../../bench/peer.ts'
import { peopleFirst } from '../../bench/people-first.ts'
import { queue } from '../../bench/queue.ts'
import { rest } from '../../bench/rest.ts'
import { leastSquaresSlope } from '../../bench/slope.ts'
import { soak } from '../../bench/soak.ts'
import { statements } from '../../bench/statements.ts'
import { tickBench } from '../../bench/tick.ts'
import { writePath } from '../../bench/write-path.ts'
import { failuresOf, years } from '../../bench/years.ts'

let postgres: BenchPostgres
let context: BenchContext

beforeAll(async () => {
  postgres = await startBenchPostgres()
  context = { postgres, say: () => undefined, profileDirectory: null }
})

afterAll(async () => {
  await postgres.stop()
})

function valueOf(report: Report, what: string): string | undefined {
  return report.results.find((result) => result.what === what)?.value
}

describe('a bench of the smallest size', () => {
  test('write-path: a second loading of the same bills writes no row', async () => {
    const report = await writePath(context, { bills: 30, bySingleModel: 3, rounds: 1 })
    expect(valueOf(report, 'no change: rows written')).toBe('0')
  })

  test('backfill: the calls stay near the fewest possible', async () => {
    const report = await backfill(context, { invoices: 30 })
    expect(valueOf(report, 'calls to QuickBooks')).toMatch(/^\d+, the fewest possible 13$/)
  })

  test('fleet: every round ends with all companies served', async () => {
    const report = await fleet(context, { companies: 2, records: 12, rounds: 1 })
    expect(valueOf(report, 'idle: companies a second')).toMatch(/^\d/)
  })

  test('heavy-pages: every company is read', async () => {
    const report = await heavyPages(context, { companies: 1, records: 60, linesPerInvoice: 20 })
    expect(valueOf(report, 'runs that did not succeed')).toBe('0')
  })

  test('tick: every company is queued', async () => {
    const report = await tickBench(context, { companies: 20, rounds: 1 })
    expect(valueOf(report, 'a tick with all due')).toMatch(/ s$/)
  })

  test('queue: every job is handled, and what polls does not listen', async () => {
    const sizes = { rounds: 1, singles: 3, meanGapMs: 10, burst: 5, idleSeconds: 0, settleSeconds: 0 }
    const report = await queue(context, sizes)
    expect(valueOf(report, '5 jobs at once, until the last has started')).toMatch(/^[\d.]+ s$/)
    expect(valueOf(report, 'connections of the queue at rest, LISTEN/NOTIFY')).toMatch(
      /one of them listening/,
    )
    expect(valueOf(report, 'connections of the queue at rest, polling each 0.5 s')).toMatch(/none listening/)
  })

  test('people-first: a person is served beside backfills', async () => {
    const report = await peopleFirst(context, { invoices: 10, asked: 1 })
    expect(valueOf(report, 'two loops: the median, of that without')).toMatch(/x$/)
  })

  test('rest: the service holds no more connections than it may', async () => {
    const report = await rest(context, { companies: 1, restSeconds: 0 })
    expect(Number(valueOf(report, 'connections, most'))).toBeLessThanOrEqual(12)
  })

  test('years: every answer is measured after each year', async () => {
    const report = await years(context, {
      companies: 3,
      invoicesOfTheBiggest: 50,
      customersOfTheBiggest: 5,
      invoicesAYear: 10,
      runsAYear: 5,
      years: 2,
    })
    expect(valueOf(report, 'invoices open by due date')).toMatch(/^\d+ → \d+; \d/)
    expect(report.failures).toEqual([])
    // Every answer of the service is asked for and explained, twice.
  }, 240_000)

  test('soak: every company is backfilled, and a first look finds nothing wrong', async () => {
    const report = await soak(context, { companies: 2, minutes: 0 })
    expect(valueOf(report, 'runs that did not succeed')).toBe('0')
    expect(valueOf(report, 'reads of the API that did not get 200, of 1')).toBe('0')
    expect(Number(valueOf(report, 'connections, most'))).toBeLessThanOrEqual(12)
    expect(valueOf(report, 'lag of the company most behind, most')).toMatch(/^[\d.]+ s$/)
  })

  test('metrics: a scrape has lines for every company', async () => {
    const report = await metricsBench(context, { companies: 10, scrapes: 1 })
    expect(valueOf(report, 'its size')).toMatch(/ MB, [\d,]{3,} lines$/)
  })

  test('statements: the plans of a run are found', async () => {
    const report = await statements(context, { companies: 20, invoicesOfTheBiggest: 30 })
    expect(report.results.map(({ what }) => what.split(':')[0])).toContain('finishRun')
  })

  test('peer: it compares', async () => {
    const report = await peer(context, { ours: 20, theirs: 5, rounds: 1 })
    expect(report.results.every(({ value }) => value.includes('x'))).toBe(true)
    expect(report.results.length).toBeGreaterThan(0)
  })
})

test('a slope is that of the line nearest to all points', () => {
  expect(
    leastSquaresSlope([
      [0, 1],
      [1, 4],
      [2, 4],
      [3, 7],
    ]),
  ).toBeCloseTo(1.8)
})

describe('years fails', () => {
  const taken = (pages: number, heaviest: number) => ({
    pages,
    heaviest: { query: 'SELECT', ms: 1, pages: heaviest, scans: [] },
  })

  test('where a statement touches more pages than an answer is worth', () => {
    expect(failuresOf('a list', [taken(600, 500), taken(600, 501)], 500)).toEqual([
      'a list: 501 pages, at most 500: SELECT',
    ])
    expect(failuresOf('a list', [taken(600, 500), taken(600, 500)], 500)).toEqual([])
  })

  test('where an answer needs more the longer other companies are kept', () => {
    expect(failuresOf('a list', [taken(200, 200), taken(400, 400)], 500)).toEqual([
      'a list grows with the years of other companies: 200 → 400 pages',
    ])
  })
})
