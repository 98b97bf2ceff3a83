import { enqueueSyncs } from '../src/jobs/enqueue.ts'
import { tick } from '../src/jobs/tick.ts'
import { seedCompanies } from '../src/connections/seed-companies.ts'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import { rowsOf } from '../src/db/database.ts'
import { puttingOff, type PutOff } from './put-off.ts'
import { startBenchBoss } from './bench-boss.ts'
import type { BenchContext, Report } from './bench.ts'
import type { BenchDatabase } from './bench-postgres.ts'
import { figure, megabytes, median } from './figures.ts'
import { ENCRYPTION_KEY, startService, untilServed, type Service } from './start-service.ts'
import { startSimulator } from './start-simulator.ts'
import { secondsOf } from './stopwatch.ts'

export interface FleetSizes {
  readonly companies: number
  readonly records: number
  readonly rounds: number
}

const SIZES: FleetSizes = { companies: 2000, records: 20, rounds: 3 }
const CHANGED_SHARE = 0.05
const INTERVAL_SECONDS = 900
// What the design promises one core.
const COMPANIES_A_SECOND = 10_000 / INTERVAL_SECONDS

interface Round {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly postgresCpuSeconds: number
  readonly peakResidentBytes: number
  readonly connections: number
  readonly statements: Statements
}

interface Statements {
  readonly ours: number
  readonly transactions: number
  readonly queue: number
}

/** What a round of many small companies costs one worker process: idle ones, and with a few changed. */
export function fleet(context: BenchContext, sizes = SIZES): Promise<Report> {
  return puttingOff((putOff) => measure(context, sizes, putOff))
}

async function measure(context: BenchContext, sizes: FleetSizes, putOff: PutOff): Promise<Report> {
  const { postgres, say } = context
  const { companies } = sizes
  const simulator = await startSimulator({ companies, records: sizes.records, invoices: 0 })
  putOff(simulator.stop)
  const database = await postgres.database()
  putOff(database.drop)
  const cipher = createTokenCipher([{ id: 'bench', key: ENCRYPTION_KEY }])
  await seedCompanies({ database, cipher, environment: 'sandbox' }, simulator.companies)
  // The bench beats instead of the scheduler, so that a round holds each company once.
  const service = await startService(context, { database, simulator, roles: 'worker', name: 'fleet' })
  putOff(service.stop)
  const beat = await startBeat(database)
  putOff(beat.stop)
  const measureOne = async (what: string) => {
    const round = await measureRound(context, database, service, beat.run)
    say(`${what}: ${figure(companies / round.seconds)} companies/s, ${figure(round.cpuSeconds)} CPU s`)
    return round
  }
  const backfill = await measureOne('backfill of all')
  const idle: Round[] = []
  const changed: Round[] = []
  for (let round = 1; round <= sizes.rounds; round += 1) {
    await makeDue(database)
    idle.push(await measureOne(`round ${round}, idle`))
    const stepped = simulator.companies.filter((_, index) => (index + round) % (1 / CHANGED_SHARE) === 0)
    await simulator.step(stepped.map(({ realmId }) => realmId))
    await makeDue(database)
    changed.push(await measureOne(`round ${round}, 5 % changed`))
  }
  return {
    settings: [
      `${companies} companies of about ${sizes.records} records; one worker process, 8 at once, through pg-boss; simulator in its own process`,
      `${sizes.rounds} rounds in turn, medians`,
    ],
    results: [
      ...lines('backfill', [backfill], companies),
      ...lines('idle', idle, companies, COMPANIES_A_SECOND),
      ...lines('5 % changed', changed, companies, COMPANIES_A_SECOND),
    ],
    notes: [await heaviestStatements(database, companies * (1 + 2 * sizes.rounds))],
  }
}

/** A scheduler's beat in this process, on the service's own database. */
async function startBeat(
  database: BenchDatabase,
): Promise<{ run: () => Promise<unknown>; stop: () => Promise<void> }> {
  const boss = await startBenchBoss(database.url)
  return {
    run: () =>
      tick({
        database,
        enqueue: (tx, realmIds) => enqueueSyncs(boss, tx, realmIds),
        intervalSeconds: INTERVAL_SECONDS,
        monthlyCallBudget: null,
      }),
    stop: () => boss.stop({ graceful: false }),
  }
}

async function makeDue({ knex, clock }: BenchDatabase): Promise<void> {
  await knex.raw('UPDATE companies SET next_sync_at = ?', [clock.now()])
}

async function measureRound(
  { postgres }: BenchContext,
  database: BenchDatabase,
  service: Service,
  beat: () => Promise<unknown>,
): Promise<Round> {
  const before = await service.usage()
  const postgresBefore = await postgres.cpuSeconds()
  const statementsBefore = await countStatements(database)
  let connections = 0
  const seconds = await secondsOf(async () => {
    await beat()
    connections = await untilServed(database, service)
  })
  const after = await service.usage()
  const statements = await countStatements(database)
  return {
    seconds,
    connections,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    postgresCpuSeconds: (await postgres.cpuSeconds()) - postgresBefore,
    peakResidentBytes: after.peakResidentBytes,
    statements: {
      ours: statements.ours - statementsBefore.ours,
      transactions: statements.transactions - statementsBefore.transactions,
      queue: statements.queue - statementsBefore.queue,
    },
  }
}

// The bench's own looking counts too: at twenty looks a second it is lost among thousands.
async function countStatements({ knex }: BenchDatabase): Promise<Statements> {
  const [row] = await rowsOf<Statements>(
    knex,
    `SELECT coalesce(sum(calls) FILTER (WHERE query ~ 'pgboss'), 0)::int AS queue,
            coalesce(sum(calls) FILTER (WHERE query ~* '^(begin|commit|rollback)'), 0)::int AS transactions,
            coalesce(sum(calls) FILTER (WHERE query !~ 'pgboss' AND query !~* '^(begin|commit|rollback)'), 0)::int AS ours
       FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  return row!
}

function lines(name: string, rounds: readonly Round[], companies: number, aim?: number) {
  const of = (value: (round: Round) => number) => median(rounds.map(value))
  const cpuPerThousand = of((round) => (round.cpuSeconds / companies) * 1000)
  const perCompany = (count: (statements: Statements) => number) =>
    figure(of((round) => count(round.statements) / companies))
  return [
    {
      what: `${name}: companies a second`,
      value: figure(of((round) => companies / round.seconds)),
      ...(aim === undefined ? {} : { aim: `${figure(aim)} and room to spare` }),
    },
    { what: `${name}: CPU seconds of the service for 1,000 companies`, value: figure(cpuPerThousand) },
    { what: `${name}: companies a second that one core would carry`, value: figure(1000 / cpuPerThousand) },
    {
      what: `${name}: CPU seconds of Postgres for 1,000 companies`,
      value: figure(of((round) => (round.postgresCpuSeconds / companies) * 1000)),
    },
    {
      what: `${name}: statements a company`,
      value: `${perCompany(({ ours }) => ours)} of ours, ${perCompany(({ transactions }) => transactions)} begin and commit, ${perCompany(({ queue }) => queue)} of the queue`,
    },
    { what: `${name}: resident memory, most`, value: megabytes(of((round) => round.peakResidentBytes)) },
    {
      what: `${name}: connections, most`,
      value: figure(of((round) => round.connections)),
      aim: 'at most 12',
    },
  ]
}

async function heaviestStatements({ knex }: BenchDatabase, runs: number): Promise<string> {
  const rows = await rowsOf<{ calls: number; ms: number; query: string }>(
    knex,
    `SELECT calls, total_exec_time AS ms, regexp_replace(left(query, 90), '\\s+', ' ', 'g') AS query
       FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      ORDER BY total_exec_time DESC
      LIMIT 15`,
  )
  return [
    `  The heaviest statements over ${runs} runs: calls, total ms`,
    ...rows.map(
      ({ calls, ms, query }) => `  ${String(calls).padStart(7)} ${figure(ms).padStart(8)}  ${query}`,
    ),
  ].join('\n')
}
