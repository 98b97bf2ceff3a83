import { createLog } from '../src/log.ts'
import type { Filters } from '../src/books/list-filters.ts'
import { readList } from '../src/books/read-list.ts'
import { requestSync } from '../src/connections/request-sync.ts'
import { readCompanies } from '../src/http/companies/read-companies.ts'
import { deleteOldRuns } from '../src/jobs/housekeeping.ts'
import { tick } from '../src/jobs/tick.ts'
import { Company } from '../src/models/company.ts'
import { finishRun } from '../src/sync/finish-run.ts'
import { readKnown } from '../src/sync/known-records.ts'
import { openRun } from '../src/sync/open-run.ts'
import { readSyncMetrics } from '../src/sync/read-metrics.ts'
import type { Run } from '../src/sync/run.ts'
import { noProgress } from '../src/sync/run-progress.ts'
import { countsAgree } from '../src/sync/count-held.ts'
import type { BenchContext, Report, Result } from './bench.ts'
import type { BenchDatabase } from './bench-postgres.ts'
import { figure } from './figures.ts'
import { BIGGEST_REALM, fillFleet } from './fill-fleet.ts'
import { explainEverything, plansOf } from './explained.ts'
import type { Plan } from './plans.ts'
import { idleReader } from './open-bench-run.ts'

export interface StatementSizes {
  readonly companies: number
  readonly invoicesOfTheBiggest: number
}

const SIZES: StatementSizes = { companies: 10_000, invoicesOfTheBiggest: 50_000 }
// Below this a scan is as good as an index.
const ROWS_WORTH_AN_INDEX = 1000

/** The plans of the statements that run all the time, with many companies: which of them scan. */
export async function statements({ postgres }: BenchContext, sizes = SIZES): Promise<Report> {
  const database = await postgres.database({ poolMax: 2 })
  await fillFleet(database, { ...sizes, runsEach: 20, invoicesEach: 40 })
  await explainEverything(database)
  const results: Result[] = []
  try {
    for (const [what, work] of Object.entries(await subjects(database))) {
      const plans = await plansOf(postgres, work)
      results.push(...plans.map((plan) => describe(what, plan)))
    }
  } finally {
    await database.drop()
  }
  return {
    settings: [
      `${sizes.companies} companies, 20 runs and 40 invoices each, the biggest with ${sizes.invoicesOfTheBiggest}`,
      'ms and 8 kB pages touched by each statement, with what auto_explain saw it scan',
    ],
    results,
  }
}

async function subjects(database: BenchDatabase): Promise<Record<string, () => Promise<unknown>>> {
  const { knex } = database
  const realmId = BIGGEST_REALM
  let run: Run
  const page = (filters: Filters, cursor: string | null = null) =>
    readList(
      { database, intervalSeconds: 900 },
      {
        realmId,
        entity: 'invoice',
        moment: { asOf: null, sourceAsOf: null },
        filters,
        order: { by: 'qboId', descending: false },
        cursor,
        limit: 100,
        withLines: false,
      },
    )
  const list = (filters: Filters) => () => page(filters)
  return {
    'tick, all due': async () => {
      await knex.raw('UPDATE companies SET next_sync_at = now()')
      await tick({ database, enqueue: async () => undefined, intervalSeconds: 900, monthlyCallBudget: 1e9 })
    },
    'tick, none due': async () => {
      await knex.raw('UPDATE companies SET served_seq = requested_seq')
      await tick({ database, enqueue: async () => undefined, intervalSeconds: 900, monthlyCallBudget: 1e9 })
    },
    openRun: async () => {
      await database.transaction((tx) =>
        requestSync(tx, [realmId], { mode: 'incremental', trigger: 'manual' }),
      )
      const opened = await openRun(database, realmId)
      if (typeof opened === 'string') throw new Error(opened)
      run = {
        ...opened,
        ...noProgress(),
        signal: new AbortController().signal,
        database,
        reader: {
          ...idleReader(database),
          count: async () => ({ observedAt: database.clock.now(), count: 0 }),
        },
        pace: { inTurn: (call) => call(), agesMs: () => [] },
        mustGiveWay: () => Promise.resolve(false),
        watermarks: new Map([['invoice', database.clock.now()]]),
        unrecordedCalls: [{ operation: 'cdc', status: '200', metered: true, durationMs: 1, intuitTid: null }],
        requests: 1,
        meteredCalls: 1,
      }
    },
    'readKnown, 1,000 ids': () =>
      readKnown(
        knex,
        realmId,
        'invoice',
        Array.from({ length: 1000 }, (_, index) => String(index * 40)),
      ),
    countHeld: () => countsAgree(run, 'invoice'),
    finishRun: () =>
      finishRun(run, {
        intervalSeconds: 900,
        random: () => 0.5,
        log: createLog({ level: 'error', format: 'pretty', secrets: () => [] }),
      }),
    'invoices, first page': list({}),
    'invoices, two pages': async () => page({}, (await page({})).nextCursor),
    'invoices, open': list({ status: 'open' }),
    'invoices, overdue': list({ status: 'overdue' }),
    'invoices, due in a week': list({ dueAfter: '2026-11-01', dueBefore: '2026-11-08' }),
    'invoices, of a customer': list({ counterpartyId: '7' }),
    'companies, 100': async () =>
      readCompanies(knex, await Company.query(knex).orderBy('realm_id').limit(100), new Date()),
    metrics: () => readSyncMetrics(database, { perCompany: true, intervalSeconds: 900 }),
    deleteOldRuns: () => deleteOldRuns(database, 90),
  }
}

function describe(what: string, { query, ms, pages, scans }: Plan): Result {
  const long = scans.filter(({ rows }) => rows >= ROWS_WORTH_AN_INDEX)
  const scanned = long.map(({ table, rows }) => `${table} (${figure(rows)} rows)`).join(', ')
  return {
    what: `${what}: ${query.replace(/\s+/g, ' ').trim().slice(0, 70)}`,
    value: `${figure(ms)} ms, ${pages} pages${scanned === '' ? '' : `, scans ${scanned}`}`,
  }
}
