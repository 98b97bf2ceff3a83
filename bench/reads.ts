import { readList, type ListQuestion } from '../src/books/read-list.ts'
import type { BenchContext, Report, Result } from './bench.ts'
import type { BenchDatabase, BenchPostgres } from './bench-postgres.ts'
import { ownCpuSeconds } from './cpu-clock.ts'
import { figure, median, ratio } from './figures.ts'
import { fillReads, realmNumbered, type ReadsFill } from './fill-reads.ts'

export interface ReadsSizes extends ReadsFill {
  readonly rounds: number
  readonly pagesEach: number
}

const SIZES: ReadsSizes = { companies: 500, documentsEach: 2000, rounds: 7, pagesEach: 200 }
const DAY_MS = 86_400_000

type Asked = Partial<ListQuestion<'bill'>>

const DUE = { by: 'dueDate', descending: false } as const
const OPEN = { filters: { status: 'open' }, order: DUE } as const

/** What a page of a list costs in processor time, of the present, of the past month and of any moment. */
export async function reads({ postgres, say }: BenchContext, sizes = SIZES): Promise<Report> {
  const database = await postgres.database({ poolMax: 1 })
  try {
    await fillReads(database, sizes)
    say('filled')
    const taken = new Map<string, number[]>()
    for (let round = 0; round <= sizes.rounds; round += 1) {
      for (const [what, asked] of Object.entries(pages())) {
        const ms = await msOfPages({ postgres, database, sizes }, asked)
        // The first round reads everything once.
        if (round > 0) taken.set(what, [...(taken.get(what) ?? []), ms])
      }
    }
    return {
      settings: [
        `${sizes.companies} companies of ${sizes.documentsEach} bills and invoices, nearly as many superseded versions; one connection`,
        `CPU ms a page of 100, Node and Postgres together: medians of ${sizes.rounds} rounds in turn of ${sizes.pagesEach} pages`,
      ],
      results: results(taken),
    }
  } finally {
    await database.drop()
  }
}

const PAST_MONTH = [10, 29] as const
const ANY = [100, 200, 300] as const

function pages(): Readonly<Record<string, Asked>> {
  const past = (days: number) => ({
    moment: { asOf: new Date(Date.now() - days * DAY_MS).toISOString(), sourceAsOf: null },
  })
  const ofThePast = [...PAST_MONTH, ...ANY].flatMap((days) => [
    [`by id, ${days} days ago`, past(days)],
    [`open by due date, ${days} days ago`, { ...OPEN, ...past(days) }],
  ]) as [string, Asked][]
  const source = { asOf: null, sourceAsOf: new Date(Date.now() - 100 * DAY_MS).toISOString() }
  return {
    'by id': {},
    'open by due date': OPEN,
    'by total amount': { order: { by: 'totalAmount', descending: true } },
    'by id, with lines': { withLines: true },
    ...Object.fromEntries(ofThePast),
    'by id, 100 days ago by QuickBooks’ clock': { moment: source },
  }
}

interface Stage {
  readonly postgres: BenchPostgres
  readonly database: BenchDatabase
  readonly sizes: ReadsSizes
}

async function msOfPages({ postgres, database, sizes }: Stage, asked: Asked): Promise<number> {
  const cpuSeconds = async () => ownCpuSeconds() + (await postgres.cpuSeconds())
  const before = await cpuSeconds()
  for (let page = 0; page < sizes.pagesEach; page += 1) {
    const answer = await readList(
      { database, intervalSeconds: 900 },
      {
        realmId: realmNumbered(1 + (page % sizes.companies)),
        entity: 'bill',
        moment: { asOf: null, sourceAsOf: null },
        filters: {},
        order: { by: 'qboId', descending: false },
        cursor: null,
        limit: 100,
        withLines: false,
        ...asked,
      },
    )
    JSON.stringify(answer)
  }
  return (((await cpuSeconds()) - before) / sizes.pagesEach) * 1000
}

function results(taken: ReadonlyMap<string, readonly number[]>): Result[] {
  const ms = (what: string) => median(taken.get(what) ?? [])
  const against = (days: number, kind: string, aim: string): Result => ({
    what: `${kind}, ${days} days ago, to today's`,
    value: ratio(ms(`${kind}, ${days} days ago`), ms(kind)),
    aim,
  })
  const kinds = ['by id', 'open by due date']
  return [
    ...[...taken.keys()].map((what) => ({
      what,
      value: `${figure(ms(what))} ms`,
      ...(kinds.includes(what) ? { aim: '1.3 ms' } : {}),
    })),
    ...kinds.flatMap((kind) => PAST_MONTH.map((days) => against(days, kind, '1.5x at most'))),
    ...kinds.flatMap((kind) => ANY.map((days) => against(days, kind, '3x at most'))),
  ]
}
