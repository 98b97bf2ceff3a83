import { seedCompanies } from '../src/connections/seed-companies.ts'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import { rowsOf } from '../src/db/database.ts'
import { puttingOff, type PutOff } from './put-off.ts'
import type { BenchContext, Report, Result } from './bench.ts'
import type { BenchDatabase } from './bench-postgres.ts'
import { figure, median, megabytes, percent } from './figures.ts'
import { leastSquaresSlope } from './slope.ts'
import { ADMIN_TOKEN, ENCRYPTION_KEY, startService, untilServed, type Service } from './start-service.ts'
import { startSimulator, type Simulator } from './start-simulator.ts'

export interface SoakSizes {
  readonly companies: number
  readonly minutes: number
}

export const SOAK_MINUTES = 60
// At an interval of a minute 33 companies a second: three times what 10,000 in 15 minutes need.
export const SOAK_COMPANIES = 2000

const INTERVAL_MINUTES = 1
const RECORDS = 20
const CHANGED_SHARE = 0.05
// Somebody opens a page now and then; each beat reads one.
const BEAT_SECONDS = 5
// Prometheus' usual interval, and the one at which a line is noted.
const BEATS_A_SCRAPE = 3
const BEATS_A_MINUTE = 12
// Steps through all companies in an order that looks like none, the same one each time.
const READ_STRIDE = 7919
const SHOWN_TABLES = 8
const SAID_TABLES = 3

/** An hour, say, at full rate: nothing may grow that is not meant to. */
export function soak(context: BenchContext, sizes: SoakSizes): Promise<Report> {
  return puttingOff((putOff) => measure(context, sizes, putOff))
}

async function measure(context: BenchContext, sizes: SoakSizes, putOff: PutOff): Promise<Report> {
  const simulator = await startSimulator({ companies: sizes.companies, records: RECORDS, invoices: 0 })
  putOff(simulator.stop)
  const database = await context.postgres.database()
  putOff(database.drop)
  const cipher = createTokenCipher([{ id: 'bench', key: ENCRYPTION_KEY }])
  await seedCompanies({ database, cipher, environment: 'sandbox' }, simulator.companies)
  const service = await startService(context, {
    database,
    simulator,
    roles: 'web,scheduler,worker',
    name: 'soak',
    env: { SYNC_INTERVAL_MINUTES: String(INTERVAL_MINUTES) },
  })
  putOff(service.stop)
  await untilBackfilled(database)
  context.say(`all ${sizes.companies} companies are backfilled`)
  const watched = await watch(context, { sizes, simulator, database, service })
  await untilServed(database, service)
  return report(sizes, watched, await readRuns(database))
}

interface Surroundings {
  readonly sizes: SoakSizes
  readonly simulator: Simulator
  readonly database: BenchDatabase
  readonly service: Service
}

interface Sample {
  readonly minute: number
  readonly residentBytes: number
  readonly peakResidentBytes: number
  /** The least of the scrapes of its minute: what garbage there was is mostly left out. */
  readonly heapUsedBytes: number
  readonly connections: number
  readonly openFiles: number
  readonly lagSeconds: number
  readonly runs: number
  readonly cpuSeconds: number
  readonly tables: readonly Table[]
}

interface Table {
  readonly name: string
  readonly bytes: number
  readonly rows: number
  readonly deadRows: number
}

interface Watched {
  readonly samples: readonly Sample[]
  readonly scrapeMs: readonly number[]
  readonly reads: number
  readonly refusedReads: readonly string[]
}

/** Beats by the clock, not by pauses: what one beat takes longer is taken off the next pause. */
async function watch(
  context: BenchContext,
  { sizes, simulator, database, service }: Surroundings,
): Promise<Watched> {
  const samples: Sample[] = []
  const scrapeMs: number[] = []
  const refusedReads: string[] = []
  const beats = sizes.minutes * BEATS_A_MINUTE
  const startedAt = performance.now()
  let scrapes: Scrape[] = []
  let reads = 0
  for (let beat = 0; beat <= beats; beat += 1) {
    await until(startedAt + beat * BEAT_SECONDS * 1000)
    const path = pathOfRead(simulator, beat)
    const status = await read(service, path)
    reads += 1
    if (status !== 200) refusedReads.push(`${status} ${path}`)
    if (beat % BEATS_A_SCRAPE === 0) {
      const scrape = await scrapeOf(service)
      scrapes.push(scrape)
      scrapeMs.push(scrape.tookMs)
    }
    if (beat % BEATS_A_MINUTE === 0) {
      const sample = await sampleOf(beat / BEATS_A_MINUTE, scrapes, database, service)
      context.say(lineOf(sample, samples.at(-1)))
      samples.push(sample)
      scrapes = []
      await simulator.step(changedIn(sample.minute, simulator))
    }
  }
  return { samples, scrapeMs, reads, refusedReads }
}

/** Another twentieth of the companies each minute, one action in each. */
function changedIn(minute: number, { companies }: Simulator): string[] {
  return companies
    .filter((_, index) => (index + minute) % Math.round(1 / CHANGED_SHARE) === 0)
    .map(({ realmId }) => realmId)
}

function pathOfRead({ companies }: Simulator, beat: number): string {
  const { realmId } = companies[(beat * READ_STRIDE) % companies.length]!
  const paths = [
    `/api/companies/${realmId}/bills?limit=100`,
    '/admin/companies?limit=100',
    `/api/companies/${realmId}/invoices?limit=100`,
    '/admin/sync/runs?limit=100',
    `/api/companies/${realmId}/balances?limit=100`,
    `/admin/companies/${realmId}`,
  ]
  return paths[beat % paths.length]!
}

async function read(service: Service, path: string): Promise<number> {
  const answer = await ask(service, path)
  await answer.arrayBuffer()
  return answer.status
}

interface Scrape {
  readonly tookMs: number
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly openFiles: number
  readonly lagSeconds: number
}

async function scrapeOf(service: Service): Promise<Scrape> {
  const startedAt = performance.now()
  const answer = await ask(service, '/metrics')
  const text = await answer.text()
  const tookMs = performance.now() - startedAt
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`)
  return {
    tookMs,
    residentBytes: mostOf(text, 'process_resident_memory_bytes'),
    heapUsedBytes: mostOf(text, 'nodejs_heap_size_used_bytes'),
    openFiles: mostOf(text, 'process_open_fds'),
    lagSeconds: mostOf(text, 'ledger_sync_lag_seconds'),
  }
}

/** The highest of all series of a name; NaN where there is none, as of open files outside Linux. */
function mostOf(text: string, name: string): number {
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'gm'))].map(([, value]) =>
    Number(value),
  )
  return values.reduce((most, value) => Math.max(most, value), values[0] ?? NaN)
}

function ask(service: Service, path: string): Promise<Response> {
  return fetch(`${service.url}${path}`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } })
}

async function sampleOf(
  minute: number,
  scrapes: readonly Scrape[],
  database: BenchDatabase,
  service: Service,
): Promise<Sample> {
  const { residentBytes, peakResidentBytes, cpuSeconds } = await service.usage()
  return {
    minute,
    residentBytes,
    peakResidentBytes,
    cpuSeconds,
    heapUsedBytes: Math.min(...scrapes.map((scrape) => scrape.heapUsedBytes)),
    openFiles: Math.max(...scrapes.map((scrape) => scrape.openFiles)),
    lagSeconds: Math.max(...scrapes.map((scrape) => scrape.lagSeconds)),
    connections: await service.connections(),
    runs: (await readRuns(database)).ended,
    tables: await readTables(database),
  }
}

function lineOf(sample: Sample, before: Sample | undefined): string {
  return [
    `minute ${sample.minute}: resident ${megabytes(sample.residentBytes)}`,
    `at most ${megabytes(sample.peakResidentBytes)}`,
    `heap ${megabytes(sample.heapUsedBytes)}`,
    `${sample.connections} connections`,
    `${sample.openFiles} files`,
    `lag ${figure(sample.lagSeconds)} s`,
    ...(before === undefined ? [] : ratesOf(sample, before)),
    ...sample.tables.slice(0, SAID_TABLES).map(({ name, bytes }) => `${name} ${megabytes(bytes)}`),
  ].join(', ')
}

function ratesOf(sample: Sample, before: Sample): string[] {
  const seconds = (sample.minute - before.minute) * 60
  return [
    `${figure((sample.runs - before.runs) / seconds)} runs/s`,
    `CPU ${percent((sample.cpuSeconds - before.cpuSeconds) / seconds)}`,
  ]
}

/** The biggest first. What pg-boss keeps counts as well: a finished job stays for a while. */
async function readTables({ knex }: BenchDatabase): Promise<Table[]> {
  return rowsOf<Table>(
    knex,
    `SELECT s.schemaname || '.' || s.relname AS name,
            pg_total_relation_size(s.relid)::float8 AS bytes,
            s.n_live_tup::float8 AS rows,
            s.n_dead_tup::float8 AS "deadRows"
       FROM pg_stat_user_tables s
      ORDER BY pg_total_relation_size(s.relid) DESC, s.relid`,
  )
}

interface Runs {
  readonly ended: number
  /** How runs ended that did not succeed, and how many of them. */
  readonly failed: readonly { readonly how: string; readonly runs: number }[]
}

async function readRuns({ knex }: BenchDatabase): Promise<Runs> {
  const rows = await rowsOf<{ how: string; runs: number }>(
    knex,
    `SELECT concat_ws(' ', status, error_code) AS how, count(*) AS runs
       FROM sync_runs
      WHERE status <> 'running'
      GROUP BY how`,
  )
  return {
    ended: rows.reduce((sum, { runs }) => sum + runs, 0),
    failed: rows.filter(({ how }) => how !== 'succeeded'),
  }
}

/** Not until nothing is queued: at this interval something always is. */
async function untilBackfilled({ knex }: BenchDatabase): Promise<void> {
  for (;;) {
    const [row] = await rowsOf<{ left: number }>(
      knex,
      'SELECT count(*) AS left FROM companies WHERE last_success_at IS NULL',
    )
    if (row?.left === 0) return
    await until(performance.now() + BEAT_SECONDS * 1000)
  }
}

function report(sizes: SoakSizes, { samples, scrapeMs, reads, refusedReads }: Watched, runs: Runs): Report {
  const quarters = quartersOf(samples)
  const course = (what: string, of: (sample: Sample) => number, unit: Unit): Result => ({
    what: `${what}: first quarter, last quarter, slope`,
    value: `${unit.show(median(quarters.first.map(of)))}, ${unit.show(median(quarters.last.map(of)))}, ${slopeOf(quarters.settled, of, unit)}`,
    aim: 'flat',
  })
  const most = (of: (sample: Sample) => number) => Math.max(...samples.map(of))
  const [first, last] = [samples.at(0)!, samples.at(-1)!]
  const seconds = (last.minute - first.minute) * 60
  return {
    settings: [
      `${sizes.companies} companies, each synced once a minute for ${sizes.minutes} minutes by one process with all roles; 5 % change a minute`,
      `a scrape every 15 s, a read of the API every ${BEAT_SECONDS} s; slopes are least squares over the last three quarters`,
    ],
    results: [
      course('resident memory', ({ residentBytes }) => residentBytes, MEGABYTES),
      { what: 'resident memory, most', value: megabytes(most(({ peakResidentBytes }) => peakResidentBytes)) },
      course('heap in use', ({ heapUsedBytes }) => heapUsedBytes, MEGABYTES),
      course('connections', ({ connections }) => connections, COUNT),
      { what: 'connections, most', value: figure(most(({ connections }) => connections)), aim: 'at most 12' },
      course('open files', ({ openFiles }) => openFiles, COUNT),
      {
        what: 'lag of the company most behind, most',
        value: `${figure(most(({ lagSeconds }) => lagSeconds))} s`,
      },
      { what: 'runs a second', value: figure((last.runs - first.runs) / seconds) },
      {
        what: 'CPU of the service, of one core',
        value: percent((last.cpuSeconds - first.cpuSeconds) / seconds),
      },
      {
        what: 'runs that did not succeed',
        value: runs.failed.map((failed) => `${failed.runs} ${failed.how}`).join(', ') || '0',
        aim: '0',
      },
      {
        what: 'a scrape, the median and the slowest',
        value: `${figure(median(scrapeMs))}, ${figure(Math.max(...scrapeMs))} ms`,
      },
      {
        what: `reads of the API that did not get 200, of ${reads}`,
        value: refusedReads.length === 0 ? '0' : `${refusedReads.length}, the first: ${refusedReads[0]}`,
        aim: '0',
      },
    ],
    notes: [tablesNote(first, last)],
  }
}

/** The first and the last, and everything after the first. */
function quartersOf(samples: readonly Sample[]): Record<'first' | 'last' | 'settled', readonly Sample[]> {
  const size = Math.max(1, Math.floor(samples.length / 4))
  return { first: samples.slice(0, size), last: samples.slice(-size), settled: samples.slice(size) }
}

interface Unit {
  readonly show: (value: number) => string
}

const MEGABYTES: Unit = { show: megabytes }
const COUNT: Unit = { show: figure }

function slopeOf(samples: readonly Sample[], of: (sample: Sample) => number, { show }: Unit): string {
  const perMinute = leastSquaresSlope(samples.map((sample) => [sample.minute, of(sample)]))
  return `${show(perMinute * 60)} an hour`
}

function tablesNote(first: Sample, last: Sample): string {
  const before = new Map(first.tables.map((table) => [table.name, table.bytes]))
  return [
    '  The biggest tables: at the start, at the end, rows alive and dead',
    ...last.tables.slice(0, SHOWN_TABLES).map(({ name, bytes, rows, deadRows }) => {
      const sizes = `${megabytes(before.get(name) ?? 0)} → ${megabytes(bytes)}`
      return `  ${name.padEnd(32)} ${sizes.padEnd(22)} ${figure(rows)}, ${figure(deadRows)}`
    }),
  ].join('\n')
}

function until(atMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - performance.now())))
}
