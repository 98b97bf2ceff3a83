import { rowsOf } from '../src/db/database.ts'
import type { BenchContext, Report, Result } from './bench.ts'
import type { BenchDatabase, BenchPostgres } from './bench-postgres.ts'
import { copyAndMerge } from './copy-and-merge.ts'
import { ownCpuSeconds } from './cpu-clock.ts'
import { figure, median, ratio } from './figures.ts'
import { modelAtATime } from './model-at-a-time.ts'
import { pageByPage } from './page-by-page.ts'
import { edited, mapAll, samplePayloads } from './sample-records.ts'
import { secondsOf } from './stopwatch.ts'
import { makePlainTable, type Way } from './way-to-write.ts'

export interface WritePathSizes {
  readonly bills: number
  /** Fewer for a model at a time: its rate does not depend on how many. */
  readonly bySingleModel: number
  readonly rounds: number
}

const SIZES: WritePathSizes = { bills: 50_000, bySingleModel: 5_000, rounds: 3 }

const STEPS = ['first load', 'no change', 'all changed'] as const
type Step = (typeof STEPS)[number]

interface Taken {
  readonly rowsPerSecond: number
  /** Of this process and of Postgres together. */
  readonly cpuMicrosPerRow: number
  readonly walBytesPerRow: number
  readonly rewritten: number
}

const OURS = 'ours, versions kept'
const ALL_AT_ONCE = 'COPY and merge, all at once'
const BY_PAGE = 'COPY and merge, 1,000 a commit'
const SINGLE = 'one model at a time'

/** Theirs keep no history. */
const AIMS: readonly { step: Step; to: string; aim: string | null }[] = [
  { step: 'first load', to: ALL_AT_ONCE, aim: '0.6x or more' },
  { step: 'all changed', to: ALL_AT_ONCE, aim: '0.4x or more' },
  { step: 'no change', to: ALL_AT_ONCE, aim: null },
  { step: 'first load', to: BY_PAGE, aim: null },
  { step: 'all changed', to: BY_PAGE, aim: null },
  { step: 'first load', to: SINGLE, aim: '8x or more' },
  { step: 'first load', to: `${SINGLE}, one transaction`, aim: null },
]

type Measured = Map<string, Record<Step, Taken[]>>

/** How fast pages become rows: ours with every version kept, against bulk loading without and single models. */
export async function writePath({ postgres, say }: BenchContext, sizes = SIZES): Promise<Report> {
  const payloads = await samplePayloads('Bill', sizes.bills)
  const before = mapAll('bill', payloads)
  const after = mapAll('bill', payloads.map(edited))
  const ways: Way[] = [
    pageByPage(),
    copyAndMerge(sizes.bills),
    copyAndMerge(1000),
    modelAtATime({ oneTransaction: false, rows: sizes.bySingleModel }),
    modelAtATime({ oneTransaction: true, rows: sizes.bySingleModel }),
  ]
  const measured: Measured = new Map()
  for (let round = 1; round <= sizes.rounds; round += 1) {
    for (const way of ways) {
      const database = await postgres.database()
      if (way.table !== 'bills') await makePlainTable(database, way.table)
      const rows = way.rows ?? sizes.bills
      const write = await way.open(database)
      const taken = measured.get(way.name) ?? { 'first load': [], 'no change': [], 'all changed': [] }
      measured.set(way.name, taken)
      for (const [step, versions] of [
        ['first load', before],
        ['no change', before],
        ['all changed', after],
      ] as const) {
        const one = await take(postgres, database, way.table, rows, () => write(versions.slice(0, rows)))
        taken[step].push(one)
        say(`round ${round}, ${way.name}, ${step}: ${figure(one.rowsPerSecond)} rows/s`)
      }
      await database.drop()
    }
  }
  const bytes = payloads.reduce((sum, payload) => sum + payload.length, 0) / payloads.length
  return {
    settings: [
      `${sizes.bills} bills of ${figure(bytes)} bytes, mapped beforehand; one connection; ${sizes.rounds} rounds in turn, medians`,
      `a model at a time: ${sizes.bySingleModel} bills`,
    ],
    results: results(measured),
  }
}

async function take(
  postgres: BenchPostgres,
  database: BenchDatabase,
  table: string,
  rows: number,
  write: () => Promise<void>,
): Promise<Taken> {
  // A checkpoint in the middle of one contender and not of another would cost it full page images.
  await database.knex.raw('CHECKPOINT')
  const printsBefore = await rowVersions(database, table)
  const walBefore = await walPosition(database)
  const cpuSeconds = async () => ownCpuSeconds() + (await postgres.cpuSeconds())
  const cpuBefore = await cpuSeconds()
  const seconds = await secondsOf(write)
  const cpuMicrosPerRow = (((await cpuSeconds()) - cpuBefore) / rows) * 1e6
  const wal = (await walPosition(database)) - walBefore
  const prints = await rowVersions(database, table)
  const rewritten = [...prints].filter(([id, print]) => printsBefore.get(id) !== print).length
  return { rowsPerSecond: rows / seconds, cpuMicrosPerRow, walBytesPerRow: wal / rows, rewritten }
}

/** Which physical version of each row there is: any write of a row changes it. */
async function rowVersions({ knex }: BenchDatabase, table: string): Promise<Map<string, string>> {
  const rows = await rowsOf<{ id: string; print: string }>(
    knex,
    `SELECT qbo_id AS id, ctid::text || xmin::text AS print FROM ${table}`,
  )
  return new Map(rows.map(({ id, print }) => [id, print]))
}

async function walPosition({ knex }: BenchDatabase): Promise<number> {
  const [row] = await rowsOf<{ bytes: string }>(
    knex,
    `SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes`,
  )
  return Number(row?.bytes)
}

function results(measured: Measured): Result[] {
  const figures = (way: string, step: Step, of: keyof Taken) =>
    median(measured.get(way)?.[step].map((one) => one[of]) ?? [])
  const lines: Result[] = [...measured.keys()].map((way) => ({
    what: `${way}: rows/s`,
    value: STEPS.map((step) => `${step} ${figure(figures(way, step, 'rowsPerSecond'))}`).join(', '),
  }))
  const ratios = AIMS.filter(({ to }) => measured.has(to)).map(({ step, to, aim }): Result => {
    const byClock = ratio(figures(OURS, step, 'rowsPerSecond'), figures(to, step, 'rowsPerSecond'))
    const byCpu = ratio(figures(to, step, 'cpuMicrosPerRow'), figures(OURS, step, 'cpuMicrosPerRow'))
    return {
      what: `${step}: ours to ${to}`,
      value: `${byClock} by the clock, ${byCpu} by CPU time`,
      ...(aim === null ? {} : { aim }),
    }
  })
  const wal = (step: Step): Result => ({
    what: `${step}: WAL bytes a row`,
    value: figure(figures(OURS, step, 'walBytesPerRow')),
    ...(step === 'no change' ? { aim: 'near 0' } : {}),
  })
  const written = {
    what: 'no change: rows written',
    value: String(figures(OURS, 'no change', 'rewritten')),
    aim: '0',
  }
  return [...lines, ...ratios, written, ...STEPS.map(wal)]
}
