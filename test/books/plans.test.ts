import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { fillReads, realmNumbered } from '../../bench/fill-reads.ts'
import { readCashSeries } from '../../src/books/cash-series.ts'
import { readChanges } from '../../src/books/changes/read-changes.ts'
import { NOW, type Moment } from '../../src/books/moment.ts'
import { readPortfolio } from '../../src/books/portfolio/portfolio.ts'
import { readList, type ListQuestion } from '../../src/books/read-list.ts'
import { readPayload } from '../../src/books/read-payload.ts'
import { readRecord } from '../../src/books/read-record.ts'
import { readTotals } from '../../src/books/read-totals.ts'
import { search } from '../../src/books/search.ts'
import { readVersions } from '../../src/books/versions/read-versions.ts'
import { systemClock } from '../../src/db/clock.ts'
import { createDatabase, rowsOf, type Database } from '../../src/db/database.ts'
import { ENTITIES } from '../../src/domain/entity.ts'
import { readCompanies } from '../../src/http/companies/read-companies.ts'
import { readCauses } from '../../src/http/runs/read-causes.ts'
import { readRuns } from '../../src/http/runs/read-runs.ts'
import { Company } from '../../src/models/company.ts'
import { createTestDatabase } from '../setup/test-database.ts'
import { listOf } from './questions.ts'
import { openKnex } from '../setup/open-knex.ts'

const REALM = realmNumbered(3)
const DAY_MS = 86_400_000

let database: Database
let close: () => Promise<void>

beforeAll(async () => {
  const testDatabase = await createTestDatabase()
  const knex = openKnex(testDatabase.url)
  database = createDatabase(knex, systemClock())
  close = async () => {
    await knex.destroy()
    await testDatabase.drop()
  }
  await fillReads(database, { companies: 12, documentsEach: 1600 })
})

afterAll(() => close())

async function explain(sql: string): Promise<string> {
  const rows = await rowsOf<{ 'QUERY PLAN': string }>(database.knex, `EXPLAIN ${sql}`)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * DAY_MS).toISOString()
}

describe('a function for who reads with SQL', () => {
  test.each(['bills', 'invoices', 'vendors', 'customers'])(
    '%s_as_of is inlined: what is asked of it reaches the indexes',
    async (table) => {
      for (const call of [`${table}_as_of('${daysAgo(9)}')`, `${table}_source_as_of('${daysAgo(9)}')`]) {
        const plan = await explain(`SELECT * FROM ${call} WHERE realm_id = '${REALM}' AND qbo_id = '17'`)
        expect(plan).not.toContain('Function Scan')
        expect(plan).toMatch(new RegExp(`Index Scan (Backward )?using ${table}_pkey on ${table} `))
        expect(plan).not.toMatch(/Seq Scan on (bills|invoices)(_history)? /)
        if (table === 'bills') expect(plan).toMatch(/bills_history_(period|held) on bills_history/)
      }
    },
  )

  test('is inlined for accounts as well', async () => {
    expect(await explain(`SELECT * FROM balances_as_of(now()) WHERE realm_id = '${REALM}'`)).not.toContain(
      'Function Scan',
    )
  })

  test('reads of a view only what is asked of it', async () => {
    const plan = await explain(`SELECT qbo_id, balance FROM bills_current WHERE realm_id = '${REALM}'`)
    expect(plan).not.toMatch(/companies|vendors/)
    expect(await explain(`SELECT * FROM open_items WHERE realm_id = '${REALM}'`)).toMatch(
      /using bills_open(_by_due_date)? on bills/,
    )
  })
})

/** How Postgres goes about the statement, among those that `ask` sends, in which `mark` stands. */
async function planOfSent(ask: () => Promise<unknown>, mark: string): Promise<string> {
  const sent: { sql: string; bindings: unknown[] }[] = []
  const note = (query: { sql: string; bindings: unknown[] }) => sent.push(query)
  database.knex.on('query', note)
  await ask()
  database.knex.off('query', note)
  const { sql, bindings } = sent.find((query) => query.sql.includes(mark))!
  return explain(sql.replaceAll(/\$(\d+)/g, (_, n: string) => literal(bindings[Number(n) - 1])))
}

function literal(value: unknown): string {
  if (value === null) return 'NULL'
  if (Array.isArray(value)) return `'{${value.join(',')}}'`
  if (value instanceof Date) return `'${value.toISOString()}'`
  return typeof value === 'number' ? String(value) : `'${String(value)}'`
}

describe('a page of a list', () => {
  /** How Postgres goes about the rows of a question: those of the present, and those that ended since the moment. */
  async function planOf(more: Partial<ListQuestion<'bill'>>): Promise<string> {
    const options = { database, intervalSeconds: 900 }
    const ask = () => readList(options, listOf('bill', { realmId: REALM, limit: 100, ...more }))
    return planOfSent(ask, '"sortKey"')
  }

  const due = { by: 'dueDate', descending: false } as const
  const past = (days: number) => ({ moment: { asOf: daysAgo(days), sourceAsOf: null } })

  test.each([
    ['by id', {}, ['bills_pkey']],
    ['of what is open, by due date', { filters: { status: 'open' }, order: due }, ['bills_open_by_due_date']],
    ['of what is overdue', { filters: { status: 'overdue' }, order: due }, ['bills_open_by_due_date']],
    ['of what is open, by id', { filters: { status: 'open' } }, ['bills_open']],
    ['by due date', { order: due }, ['bills_by_due_date']],
    [
      'due after a day',
      { filters: { dueAfter: daysAgo(9).slice(0, 10) }, order: due },
      ['bills_by_due_date'],
    ],
    ['by date', { order: { by: 'txnDate', descending: true } }, ['bills_by_txn_date']],
    ['by amount', { order: { by: 'totalAmount', descending: true } }, ['bills_by_total_amount']],
    ['by balance', { order: { by: 'balance', descending: false } }, ['bills_by_balance']],
    ['by number', { order: { by: 'docNumber', descending: false } }, ['bills_by_number']],
    ['by name', { order: { by: 'counterparty', descending: false } }, ['vendors', 'bills_by_party']],
    ['of a party', { filters: { counterpartyId: '7' } }, ['bills_by_party']],
    ['of what changed since', { filters: { changedSince: daysAgo(1) } }, ['bills_by_change']],
    ['by change', { order: { by: 'changed', descending: true } }, ['bills_by_change']],
    ['by id, of a moment', past(20), ['bills_pkey', 'bills_history_']],
    [
      'open by due date, of a moment not long ago',
      { ...past(20), filters: { status: 'open' }, order: due },
      ['bills_open_by_due_date', 'bills_history_by_end'],
    ],
    [
      'open by due date, of a moment long ago',
      { ...past(300), filters: { status: 'open' }, order: due },
      ['bills_history_'],
    ],
    ['of what QuickBooks had', { moment: { asOf: null, sourceAsOf: daysAgo(100) } }, ['bills_']],
  ] as const)('%s goes by indexes of its company', async (_, question, indexes) => {
    const plan = await planOf(question)
    for (const index of indexes) expect(plan).toContain(index)
    expect(plan).not.toMatch(/Seq Scan on bills/)
    expect(plan).not.toContain('Function Scan')
  })

  test('looks names up for the rows of the page alone', async () => {
    for (const question of [{}, past(20)])
      expect(await planOf(question)).toMatch(/using vendors_pkey on vendors/)
  })
})

describe('what pages read', () => {
  const portfolio = (asOf: string | null) => () =>
    readPortfolio(
      { database, intervalSeconds: 900 },
      {
        moment: { asOf, sourceAsOf: null },
        filters: { realmId: REALM },
        order: { by: 'worst', descending: false },
      },
    )

  test.each([
    ['now', null],
    ['not long ago', daysAgo(20)],
  ])('adds up what is open %s from the index of just that', async (_, asOf) => {
    await database.knex('portfolio_sums').delete()
    const plan = await planOfSent(portfolio(asOf), 'dueWithin14Days')
    expect(plan).toContain('bills_open_by_due_date')
    expect(plan).toContain('invoices_open_by_due_date')
    expect(plan).not.toMatch(/Seq Scan on (bills|invoices)/)
  })

  test('knows by one probe a table whether kept sums still hold', async () => {
    const plan = await planOfSent(portfolio(null), 'portfolio_sums k')
    for (const table of ['bills', 'invoices', 'vendors', 'customers']) {
      expect(plan.split(`Index Only Scan Backward using ${table}_by_change`)).toHaveLength(2)
    }
  })

  test('adds up a whole list from an index alone', async () => {
    const list = { realmId: REALM, entity: 'bill', moment: NOW, today: '2026-11-27' } as const
    for (const filters of [{}, { status: 'paid' }]) {
      const plan = await planOfSent(() => readTotals(database, list, filters), 'GROUP BY')
      expect(plan).toContain('Index Only Scan using bills_by_currency')
    }
  })

  test('finds a number among all companies by its index', async () => {
    const plan = await planOfSent(() => search(database, 'no such number', NOW), 'doc_number')
    expect(plan).toContain('bills_search')
    expect(plan).toContain('invoices_search')
    expect(plan).not.toMatch(/Seq Scan on (bills|invoices)/)
  })

  test('reads why runs failed without those that succeeded', async () => {
    await database.knex.raw(
      `INSERT INTO sync_runs (realm_id, trigger, mode, status, started_at, finished_at, served_request, error_code)
       SELECT c.realm_id, 'schedule', 'incremental', CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'succeeded' END,
              now(), now(), 1, CASE WHEN n % 100 = 0 THEN 'unavailable' END
         FROM companies c CROSS JOIN generate_series(1, 2000) n`,
    )
    await database.knex.raw('ANALYZE sync_runs')
    const plan = await planOfSent(() => readCauses(database, new Date(0)), 'count(DISTINCT')
    expect(plan).toContain('sync_runs_by_ending')
    expect(plan).not.toContain('Seq Scan on sync_runs')
  })

  test('finds the newest runs and the latest error of companies without reading their other runs', async () => {
    const companies = await Company.query(database.knex)
    const plan = await planOfSent(
      () => readCompanies(database.knex, companies, new Date()),
      'r.error_code IS NOT NULL',
    )
    expect(plan).toContain('sync_runs_with_error')
    const runs = () => readRuns(database.knex, { realmId: REALM, cursor: null, most: 10 })
    expect(await planOfSent(runs, 'sync_runs')).toContain('sync_runs_of_company')
  })
})

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly PlanNode[]
}

describe('a page of the console, with 19,200 documents of 12 companies,', () => {
  const options = () => ({ database, intervalSeconds: 900 })
  const past: Moment = { asOf: daysAgo(20), sourceAsOf: null }
  const known: Moment = { asOf: daysAgo(10), sourceAsOf: daysAgo(20) }
  const order = { by: 'worst', descending: false } as const
  const record = { realmId: REALM, entity: 'bill', qboId: '17' } as const
  const feed = (realmId: string | null) =>
    readChanges(database, {
      range: { realmId, entities: ENTITIES, order: 'desc', since: null, until: null },
      filter: { change: null, counterparty: null, minAmount: null, syncRunId: null },
      after: null,
      limit: 50,
    })
  const overview = async (moment: Moment) => {
    await readPortfolio(options(), { moment, filters: { realmId: REALM }, order })
    await readCashSeries(options(), { realmId: REALM, to: null, days: 30, step: 'day' })
    await feed(REALM)
  }
  const recordPage = async (moment: Moment) => {
    await readRecord(options(), { ...record, moment })
    await readPayload(database, { ...record, moment })
    await readVersions(database, record, { after: null, limit: 50, descending: true, moment })
  }
  const allSums = async (moment: Moment) => {
    await database.knex('portfolio_sums').delete()
    await readPortfolio(options(), { moment, filters: {}, order })
  }

  /** Everything that the page reads: its pages of 8 kB, and the tables of books read from end to end. */
  async function costOf(ask: () => Promise<unknown>): Promise<{ pages: number; scanned: string[] }> {
    const sent: { sql: string; bindings: unknown[] }[] = []
    const note = (query: { sql: string; bindings: unknown[] }) => sent.push(query)
    database.knex.on('query', note)
    await ask()
    database.knex.off('query', note)
    let pages = 0
    const scanned: string[] = []
    for (const { sql, bindings } of sent.filter((query) => /^\s*(select|with)\b/i.test(query.sql))) {
      const text = sql.replaceAll(/\$(\d+)/g, (_, n: string) => literal(bindings[Number(n) - 1]))
      const [row] = await rowsOf<{ 'QUERY PLAN': readonly [{ Plan: PlanNode }] }>(
        database.knex,
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
      )
      const { Plan: top } = row!['QUERY PLAN'][0]
      pages += top['Shared Hit Blocks'] + top['Shared Read Blocks']
      scanned.push(...scansOf(top).filter((table) => /^(bills|invoices)/.test(table)))
    }
    expect(pages).toBeGreaterThan(0)
    return { pages, scanned }
  }

  function scansOf(node: PlanNode): string[] {
    const own = node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? '?'] : []
    return [...own, ...(node.Plans ?? []).flatMap(scansOf)]
  }

  // Some twice of what each takes. A feed of one company sorts what one transaction wrote, a thousand rows at most.
  test.each<[string, number, () => Promise<unknown>]>([
    ['portfolio of kept sums', 300, () => readPortfolio(options(), { moment: NOW, filters: {}, order })],
    ['portfolio that adds up anew', 8000, () => allSums(NOW)],
    ['overview of a company', 3000, () => overview(NOW)],
    ['overview as of a moment', 4000, () => overview(past)],
    ['record', 120, () => recordPage(NOW)],
    ['record as of a moment', 120, () => recordPage(past)],
    ['record by QuickBooks’ clock', 120, () => recordPage(known)],
    ['feed of all', 1500, () => feed(null)],
    ['feed of a company', 3000, () => feed(REALM)],
    ['search for a number', 350, () => search(database, 'D-777', NOW)],
    ['search for a name', 200, () => search(database, 'number 77', NOW)],
    ['search as of a moment', 350, () => search(database, 'D-777', past)],
  ])('reads for its %s at most %i pages, and no table from end to end', async (_, mostPages, ask) => {
    await ask()
    const { pages, scanned } = await costOf(ask)
    expect(scanned).toEqual([])
    expect(pages).toBeLessThanOrEqual(mostPages)
  })

  // Who asks for all companies asks for most of what is held: a table from end to end is then the shortest way.
  test.each<[string, number, Moment]>([
    ['as of a moment', 18_000, past],
    ['by QuickBooks’ clock', 18_000, known],
  ])('reads for its portfolio %s at most %i pages', async (_, mostPages, moment) => {
    expect((await costOf(() => allSums(moment))).pages).toBeLessThanOrEqual(mostPages)
  })
})
