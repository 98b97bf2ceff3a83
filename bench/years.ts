import type { Filters } from '../src/books/list-filters.ts'
import { SORTS, type Order } from '../src/books/list-order.ts'
import { NOW, type Moment } from '../src/books/moment.ts'
import { readChanges } from '../src/books/changes/read-changes.ts'
import type { FeedRange } from '../src/books/changes/read-feed-keys.ts'
import { readPortfolio } from '../src/books/portfolio/portfolio.ts'
import { readCompanies as readCompaniesOfBooks } from '../src/books/read-companies.ts'
import { readList } from '../src/books/read-list.ts'
import { readTotals } from '../src/books/read-totals.ts'
import { readRecord } from '../src/books/read-record.ts'
import { search } from '../src/books/search.ts'
import { readTimeline } from '../src/books/timeline.ts'
import { readVersions } from '../src/books/versions/read-versions.ts'
import { ENTITIES } from '../src/domain/entity.ts'
import { readCompanies } from '../src/http/companies/read-companies.ts'
import { readCauses } from '../src/http/runs/read-causes.ts'
import { readRuns } from '../src/http/runs/read-runs.ts'
import { readRejectGroups } from '../src/http/rejects/read-reject-groups.ts'
import { deleteOldRuns } from '../src/jobs/housekeeping.ts'
import { tick } from '../src/jobs/tick.ts'
import { Company } from '../src/models/company.ts'
import { readKnown } from '../src/sync/known-records.ts'
import { readSyncMetrics } from '../src/sync/read-metrics.ts'
import type { BenchContext, Report } from './bench.ts'
import type { BenchDatabase } from './bench-postgres.ts'
import { explainEverything, plansOf } from './explained.ts'
import { figure } from './figures.ts'
import { addYear, BIGGEST, fillBiggest, type YearsFill } from './fill-years.ts'
import type { Plan } from './plans.ts'

export interface YearsSizes extends YearsFill {
  readonly years: 2 | 3
}

const SIZES: YearsSizes = {
  companies: 1000,
  invoicesOfTheBiggest: 100_000,
  customersOfTheBiggest: 100,
  invoicesAYear: 200,
  runsAYear: 300,
  years: 3,
}

const DAY_MS = 86_400_000
// After five executions Postgres may keep one plan for all values: what a service runs is measured.
const WARM_UPS = 6

/** 8 kB pages, in memory or read, that one statement may touch. Of a page of a list, 300 are for names of parties. */
const MOST_PAGES = { ofAPage: 700, ofThePast: 4000, ofSums: 15_000, ofEachCompany: 30 }

// A tree grows by a level now and then, and a table that is written has some dead rows; more than that is a statement
// that walks what others left behind.
const GROWTH_ALLOWED = { share: 1.25, ofMostPages: 0.1 }

interface Subject {
  readonly mostPages: number
  readonly work: () => Promise<unknown>
}

/** Pages that a subject touched in one year, all its statements together, and the heaviest of them. */
interface Taken {
  readonly pages: number
  readonly heaviest: Plan | null
}

/**
 * Years of many companies: what one company reads may not depend on what the others left behind, and nothing may read
 * more than a page of an answer is worth. Counted in pages, so a busy machine changes nothing; fails when one does.
 */
export async function years({ postgres, say }: BenchContext, sizes = SIZES): Promise<Report> {
  const database = await postgres.database({ poolMax: 1 })
  const taken = new Map<string, Taken[]>()
  try {
    await fillBiggest(database, sizes)
    await explainEverything(database)
    for (let year = 0; year < sizes.years; year += 1) {
      // The newest first: what others did long ago comes after it.
      await addYear(database, sizes, sizes.years - 1 - year)
      say(`year ${year + 1} filled`)
      for (const [what, { work }] of Object.entries(subjects(database, sizes))) {
        for (let times = 0; times < WARM_UPS; times += 1) await work()
        const plans = await plansOf(postgres, work)
        taken.set(what, [...(taken.get(what) ?? []), takenOf(plans)])
      }
    }
    return report(sizes, taken, subjects(database, sizes))
  } finally {
    await database.drop()
  }
}

function takenOf(plans: readonly Plan[]): Taken {
  return {
    pages: plans.reduce((sum, { pages }) => sum + pages, 0),
    heaviest: plans.toSorted((one, other) => other.pages - one.pages)[0] ?? null,
  }
}

function subjects(database: BenchDatabase, { companies }: YearsSizes): Readonly<Record<string, Subject>> {
  return { ...lists(database), ...otherAnswers(database), ...overAllCompanies(database, companies) }
}

interface Asked {
  readonly filters?: Filters
  readonly order?: Order
  readonly moment?: Moment
}

const EVERY_CHANGE = { change: null, counterparty: null, minAmount: null, syncRunId: null }
const BY_ID: Order = { by: 'qboId', descending: false }
const DUE: Order = { by: 'dueDate', descending: false }

function lists(database: BenchDatabase): Record<string, Subject> {
  const list = ({ filters = {}, order = BY_ID, moment = NOW }: Asked, mostPages: number): Subject => ({
    mostPages,
    work: () =>
      readList(
        { database, intervalSeconds: 900 },
        {
          realmId: BIGGEST,
          entity: 'invoice',
          moment,
          filters,
          order,
          cursor: null,
          limit: 100,
          withLines: false,
        },
      ),
  })
  const day = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)
  const past = (days: number): Moment => ({
    asOf: new Date(Date.now() - days * DAY_MS).toISOString(),
    sourceAsOf: null,
  })
  const filters: Record<string, Asked> = {
    open: { filters: { status: 'open' } },
    'open by due date': { filters: { status: 'open' }, order: DUE },
    overdue: { filters: { status: 'overdue' } },
    'overdue by due date': { filters: { status: 'overdue' }, order: DUE },
    paid: { filters: { status: 'paid' } },
    voided: { filters: { status: 'voided' } },
    'due after a day, by due date': { filters: { dueAfter: day(20) }, order: DUE },
    'due after a day': { filters: { dueAfter: day(20) } },
    'due in a week': { filters: { dueFrom: day(-400), dueBefore: day(-393) } },
    'of a week': { filters: { txnFrom: day(-400), txnTo: day(-393) } },
    'of a name': { filters: { counterparty: 'a1b2' } },
    'of no name': { filters: { counterparty: 'nobody' } },
    'of a customer': { filters: { counterpartyId: '7' } },
    'of a number': { filters: { docNumber: 'D-77' } },
    'in a rare currency': { filters: { currency: 'EUR' } },
    'with a balance of at least': { filters: { minBalance: '990' } },
    'changed since yesterday': { filters: { changedSince: past(1).asOf! } },
    'with deleted ones': { filters: { includeDeleted: true } },
  }
  const orders = SORTS.flatMap((by) =>
    [false, true].map((descending) => [`by ${descending ? '-' : ''}${by}`, { order: { by, descending } }]),
  ) as [string, Asked][]
  const sums = (filters: Filters): Subject => ({
    mostPages: MOST_PAGES.ofSums,
    work: () =>
      readTotals(database, { realmId: BIGGEST, entity: 'invoice', moment: NOW, today: day(0) }, filters),
  })
  const ofThePast: Record<string, Asked> = {
    'by id, 30 days ago': { moment: past(30) },
    'open by due date, 30 days ago': { filters: { status: 'open' }, order: DUE, moment: past(30) },
    'open by due date, 500 days ago': { filters: { status: 'open' }, order: DUE, moment: past(500) },
  }
  const named = (asked: [string, Asked][], mostPages: number) =>
    asked.map(([what, one]) => [`invoices ${what}`, list(one, mostPages)] as const)
  return Object.fromEntries([
    ...named([...Object.entries(filters), ...orders], MOST_PAGES.ofAPage),
    ...named(Object.entries(ofThePast), MOST_PAGES.ofThePast),
    ['sums of all invoices', sums({})],
    ['sums of what is paid', sums({ status: 'paid' })],
    ['sums of what is overdue', sums({ status: 'overdue' })],
  ])
}

function otherAnswers(database: BenchDatabase): Record<string, Subject> {
  const { knex } = database
  const options = { database, intervalSeconds: 900 }
  const range = (realmId: string | null): FeedRange => ({
    realmId,
    entities: ENTITIES,
    order: 'desc',
    since: null,
    until: null,
  })
  const record = { realmId: BIGGEST, entity: 'invoice', qboId: '7' } as const
  const answers: Record<string, () => Promise<unknown>> = {
    'one invoice': () => readRecord(options, { ...record, moment: NOW }),
    'versions of an invoice': () => readVersions(database, record, { after: null, limit: 50 }),
    'changes of a company': () =>
      readChanges(database, { range: range(BIGGEST), filter: EVERY_CHANGE, after: null, limit: 50 }),
    'changes of all': () =>
      readChanges(database, { range: range(null), filter: EVERY_CHANGE, after: null, limit: 50 }),
    'timeline of a company': () =>
      readTimeline(database, { realmId: BIGGEST, of: null, after: null, limit: 100 }),
    'runs of a company': () => readRuns(knex, { realmId: BIGGEST, cursor: null, most: 100 }),
    'runs, newest': () => readRuns(knex, { cursor: null, most: 100 }),
    'runs that failed': () => readRuns(knex, { status: 'failed', cursor: null, most: 100 }),
    'search for a number': () => search(database, 'D-no-such', NOW),
    'reasons of rejects': () => readRejectGroups(database),
    'known records of a page': () =>
      readKnown(
        knex,
        BIGGEST,
        'invoice',
        Array.from({ length: 50 }, (_, index) => String(index * 40)),
      ),
  }
  return Object.fromEntries(
    Object.entries(answers).map(([what, work]) => [what, { mostPages: 2 * MOST_PAGES.ofAPage, work }]),
  )
}

function overAllCompanies(database: BenchDatabase, companies: number): Record<string, Subject> {
  const mostPages = MOST_PAGES.ofAPage + MOST_PAGES.ofEachCompany * companies
  const { knex } = database
  const options = { database, intervalSeconds: 900 }
  const answers: Record<string, () => Promise<unknown>> = {
    'admin companies, 1000': async () =>
      readCompanies(knex, await Company.query(knex).orderBy('realm_id').limit(1000), new Date()),
    'companies, 1000': () => readCompaniesOfBooks(options, { after: null, limit: 1000 }),
    portfolio: () =>
      readPortfolio(options, { moment: NOW, filters: {}, order: { by: 'worst', descending: false } }),
    'causes of failures, a day': () => readCauses(database, new Date(Date.now() - DAY_MS)),
    scrape: () => readSyncMetrics(database, { perCompany: true, intervalSeconds: 900 }),
    'tick, few due': () =>
      tick({ database, enqueue: async () => undefined, intervalSeconds: 900, monthlyCallBudget: 1e9 }),
    'old runs': () => deleteOldRuns(database, 36_500),
  }
  return Object.fromEntries(Object.entries(answers).map(([what, work]) => [what, { mostPages, work }]))
}

function report(
  sizes: YearsSizes,
  taken: ReadonlyMap<string, readonly Taken[]>,
  asked: Readonly<Record<string, Subject>>,
): Report {
  const failures = [...taken].flatMap(([what, years]) => failuresOf(what, years, asked[what]!.mostPages))
  return {
    settings: [
      `one company of ${figure(sizes.invoicesOfTheBiggest)} invoices; ${figure(sizes.companies)} others that gain ${sizes.invoicesAYear} invoices and ${sizes.runsAYear} runs a year`,
      'pages of 8 kB that all statements of an answer touch, after each year; the heaviest statement of the last',
    ],
    results: [...taken].map(([what, years]) => {
      const { heaviest } = years.at(-1)!
      return {
        what,
        value: `${years.map(({ pages }) => pages).join(' → ')}${heaviest ? `; ${heaviest.pages} in ${figure(heaviest.ms)} ms` : ''}`,
        aim: `${asked[what]!.mostPages} a statement`,
      }
    }),
    failures,
  }
}

/** What is wrong with the pages that an answer touched after each year. */
export function failuresOf(what: string, years: readonly Taken[], mostPages: number): string[] {
  const [first, last] = [years[0]!, years.at(-1)!]
  const heaviest = last.heaviest?.pages ?? 0
  return [
    ...(heaviest > mostPages
      ? [
          `${what}: ${heaviest} pages, at most ${mostPages}: ${last.heaviest!.query.replace(/\s+/g, ' ').trim().slice(0, 80)}`,
        ]
      : []),
    ...(last.pages > first.pages * GROWTH_ALLOWED.share + mostPages * GROWTH_ALLOWED.ofMostPages
      ? [
          `${what} grows with the years of other companies: ${years.map(({ pages }) => pages).join(' → ')} pages`,
        ]
      : []),
  ]
}
