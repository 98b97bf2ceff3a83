import { requestSync } from '../src/connections/request-sync.ts'
import { toConfig } from '../src/config.ts'
import { rowsOf } from '../src/db/database.ts'
import { enqueueSyncs } from '../src/jobs/enqueue.ts'
import { SYNC_QUEUE } from '../src/jobs/queues.ts'
import { seededRandom } from '../src/sandbox/random.ts'
import { startBenchBoss } from './bench-boss.ts'
import type { BenchContext, Report, Result } from './bench.ts'
import type { BenchDatabase } from './bench-postgres.ts'
import { startChild } from './child.ts'
import { figure, median, percentile, ratio } from './figures.ts'
import { fillFleet } from './fill-fleet.ts'
import { puttingOff, type PutOff } from './put-off.ts'
import {
  monotonicMs,
  type QueueWay,
  type QueueWorkerQuestion,
  type QueueWorkerSpec,
  type QueueWorkerUsage,
} from './queue-spec.ts'

export interface QueueSizes {
  readonly rounds: number
  /** Requests of one company each, one after another. */
  readonly singles: number
  /** Between two of them on average: each comes whenever it likes, whatever the loops are at. */
  readonly meanGapMs: number
  /** Jobs that come all at once. */
  readonly burst: number
  readonly idleSeconds: number
  /** Postgres may tell its count of transactions ten seconds late. */
  readonly settleSeconds: number
}

const SIZES: QueueSizes = {
  rounds: 3,
  singles: 100,
  meanGapMs: 400,
  burst: 200,
  idleSeconds: 30,
  settleSeconds: 11,
}

type Named = QueueWay & { readonly name: string }

const OURS: Named = { name: 'LISTEN/NOTIFY', listens: true, pollSeconds: null, looksAgain: true }
// The least that pg-boss allows, and what it does when told nothing.
const POLLINGS: readonly Named[] = [0.5, 2].map((pollSeconds) => ({
  name: `polling each ${pollSeconds} s`,
  listens: false,
  pollSeconds,
  looksAgain: true,
}))
const WAYS = [OURS, ...POLLINGS]
const CONCURRENCY = toConfig({}).syncConcurrency
const APPLICATION_NAME = 'ledger-mirror-queue'

interface Turn {
  readonly latenciesMs: readonly number[]
  readonly burstSeconds: number
  readonly connections: number
  readonly connectionsAtRest: number
  readonly listens: boolean
  readonly transactionsPerSecond: number
  readonly nodeCpu: number
  readonly postgresCpu: number
}

interface Worker {
  /** Waits until so many jobs more were handled since it was asked before. */
  untilHandled(jobs: number): Promise<QueueWorkerUsage>
  /** Connections that it holds now. */
  connections(): Promise<number>
}

/** How soon a request is worked on, and what it costs to wait for one: LISTEN/NOTIFY as the service has it, and polling. */
export async function queue(context: BenchContext, sizes = SIZES): Promise<Report> {
  const turns = new Map<Named, Turn[]>(WAYS.map((way) => [way, []]))
  for (let round = 0; round < sizes.rounds; round += 1) {
    for (let place = 0; place < WAYS.length; place += 1) {
      const way = WAYS[(place + round) % WAYS.length]!
      const turn = await measureTurn(context, sizes, way, round)
      turns.get(way)!.push(turn)
      context.say(`round ${round + 1}, ${way.name}: ${describeTurn(turn)}`)
    }
  }
  const sleepy: Result[] = []
  for (const way of WAYS) {
    const seconds = await measureSleepyBurst(context, sizes, way)
    sleepy.push({
      what: `the same where a loop sleeps between jobs, ${way.name}`,
      value: `${figure(seconds)} s`,
    })
  }
  return {
    settings: [
      `${CONCURRENCY} loops of the service's own in a process of its own, over jobs that do nothing; polling is the same settings of pg-boss without its listener, and the same loops with another interval`,
      `${sizes.rounds} rounds in turn: medians, and for latencies those of all rounds together; ${sizes.singles} requests a round, ${sizes.meanGapMs} ms apart on average`,
    ],
    results: [
      ...compare('from the commit of a request to its start, median', 'ms', turns, (of) =>
        median(latencies(of)),
      ),
      ...compare('the same, 95th percentile', 'ms', turns, (of) => percentile(latencies(of), 0.95)),
      ...compare(
        `${sizes.burst} jobs at once, until the last has started`,
        's',
        turns,
        medianOf('burstSeconds'),
      ),
      ...sleepy,
      ...connectionLines(turns),
      ...compare(
        `idle for ${sizes.idleSeconds} s: transactions a second`,
        '',
        turns,
        medianOf('transactionsPerSecond'),
      ),
      ...compare('idle: CPU of Node, of one core', '%', turns, (of) => 100 * medianOf('nodeCpu')(of)),
      ...compare('idle: CPU of Postgres, of one core', '%', turns, (of) => 100 * medianOf('postgresCpu')(of)),
    ],
  }
}

function measureTurn(context: BenchContext, sizes: QueueSizes, way: Named, round: number): Promise<Turn> {
  return puttingOff(async (putOff) => {
    const { database, realmIds, send, worker } = await start(context, sizes, way, putOff)
    const single = realmIds.slice(0, sizes.singles)
    const latenciesMs = await measureSingles({
      send,
      worker,
      single,
      meanGapMs: sizes.meanGapMs,
      seed: round,
    })
    const burstSeconds = await measureBurst(send, worker, realmIds.slice(sizes.singles))
    const connections = await worker.connections()
    await pause(sizes.settleSeconds * 1000)
    const load = await measureIdle(context, database, worker, sizes.idleSeconds)
    const connectionsAtRest = await worker.connections()
    const listens = await wasListenedTo(database)
    return { latenciesMs, burstSeconds, connections, connectionsAtRest, listens, ...load }
  })
}

/** The burst alone, with loops that sleep between jobs as pg-boss would have it. */
function measureSleepyBurst(context: BenchContext, sizes: QueueSizes, way: Named): Promise<number> {
  return puttingOff(async (putOff) => {
    const sleepy = { ...way, looksAgain: false }
    const { realmIds, send, worker } = await start(context, sizes, sleepy, putOff)
    return measureBurst(send, worker, realmIds.slice(sizes.singles))
  })
}

/** A database with companies, one process that sends, and one that works. */
async function start({ postgres }: BenchContext, sizes: QueueSizes, way: QueueWay, putOff: PutOff) {
  const database = await postgres.database()
  putOff(database.drop)
  const companies = sizes.singles + sizes.burst
  await fillFleet(database, { companies, runsEach: 1, invoicesEach: 1, invoicesOfTheBiggest: 1 })
  const rows = await rowsOf<{ realmId: string }>(database.knex, `SELECT realm_id AS "realmId" FROM companies`)
  const { send, stop } = await startSender(database, way)
  putOff(stop)
  const worker = await startWorker(database, way, putOff)
  return { database, realmIds: rows.map(({ realmId }) => realmId), send, worker }
}

/**
 * Sends as the service does: a request and its job in one transaction.
 *
 * @returns when it was committed, by the clock of monotonicMs.
 */
type Send = (realmIds: readonly string[]) => Promise<number>

async function startSender(
  database: BenchDatabase,
  way: QueueWay,
): Promise<{ send: Send; stop: () => Promise<void> }> {
  const boss = await startBenchBoss(database.url)
  await boss.updateQueue(SYNC_QUEUE, { notify: way.listens })
  return {
    async send(realmIds) {
      await database.transaction(async (tx) => {
        await requestSync(tx, realmIds, { mode: 'incremental', trigger: 'manual' })
        await enqueueSyncs(boss, tx, realmIds)
      })
      return monotonicMs()
    },
    stop: () => boss.stop({ graceful: false }),
  }
}

async function startWorker(database: BenchDatabase, way: QueueWay, putOff: PutOff): Promise<Worker> {
  const spec: QueueWorkerSpec = {
    url: database.url,
    applicationName: APPLICATION_NAME,
    concurrency: CONCURRENCY,
    way,
  }
  const { child } = await startChild<QueueWorkerUsage>('queue-worker.ts', { args: [JSON.stringify(spec)] })
  putOff(() => child.stop())
  return {
    untilHandled: (handled) => child.ask<QueueWorkerUsage>({ handled } satisfies QueueWorkerQuestion),
    async connections() {
      const [row] = await rowsOf<{ connections: number }>(
        database.knex,
        `SELECT count(*)::int AS connections FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = :name`,
        { name: APPLICATION_NAME },
      )
      return row!.connections
    },
  }
}

interface Singles {
  readonly send: Send
  readonly worker: Worker
  readonly single: readonly string[]
  readonly meanGapMs: number
  readonly seed: number
}

async function measureSingles({ send, worker, single, meanGapMs, seed }: Singles): Promise<number[]> {
  const random = seededRandom('queue', seed)
  const committed = new Map<string, number>()
  for (const realmId of single) {
    // Moments that know nothing of each other: no interval of the loops can fall into step with them.
    await pause(-Math.log(1 - random.fraction()) * meanGapMs)
    committed.set(realmId, await send([realmId]))
  }
  const { started } = await worker.untilHandled(single.length)
  return started.map(({ realmId, atMs }) => atMs - committed.get(realmId)!)
}

async function measureBurst(send: Send, worker: Worker, realmIds: readonly string[]): Promise<number> {
  const committedMs = await send(realmIds)
  const { started } = await worker.untilHandled(realmIds.length)
  return (Math.max(...started.map(({ atMs }) => atMs)) - committedMs) / 1000
}

async function measureIdle(
  { postgres }: BenchContext,
  { knex }: BenchDatabase,
  worker: Worker,
  idleSeconds: number,
): Promise<Pick<Turn, 'transactionsPerSecond' | 'nodeCpu' | 'postgresCpu'>> {
  const look = async () => {
    const { cpuSeconds } = await worker.untilHandled(0)
    const [row] = await rowsOf<{ transactions: number }>(
      knex,
      `SELECT (xact_commit + xact_rollback)::int AS transactions
         FROM pg_stat_database WHERE datname = current_database()`,
    )
    return {
      atMs: monotonicMs(),
      transactions: row!.transactions,
      node: cpuSeconds,
      postgres: await postgres.cpuSeconds(),
    }
  }
  const before = await look()
  await pause(idleSeconds * 1000)
  const after = await look()
  const seconds = (after.atMs - before.atMs) / 1000
  return {
    transactionsPerSecond: (after.transactions - before.transactions) / seconds,
    nodeCpu: (after.node - before.node) / seconds,
    postgresCpu: (after.postgres - before.postgres) / seconds,
  }
}

async function wasListenedTo({ knex }: BenchDatabase): Promise<boolean> {
  const [row] = await rowsOf<{ listens: boolean }>(
    knex,
    `SELECT EXISTS (
       SELECT FROM pg_stat_statements
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query ILIKE 'listen %'
     ) AS listens`,
  )
  return row!.listens
}

function latencies(turns: readonly Turn[]): number[] {
  return turns.flatMap(({ latenciesMs }) => latenciesMs)
}

function medianOf(of: 'burstSeconds' | 'transactionsPerSecond' | 'nodeCpu' | 'postgresCpu') {
  return (turns: readonly Turn[]) => median(turns.map((turn) => turn[of]))
}

type Turns = ReadonlyMap<Named, readonly Turn[]>

/** Ours, and ours to each polling. */
function compare(
  what: string,
  unit: string,
  turns: Turns,
  valueOf: (turns: readonly Turn[]) => number,
): Result[] {
  const show = (value: number) => `${figure(value)} ${unit}`.trim()
  const ours = valueOf(turns.get(OURS)!)
  return [
    { what, value: show(ours) },
    ...POLLINGS.map((way) => {
      const theirs = valueOf(turns.get(way)!)
      return { what: `  to ${way.name}`, value: `${ratio(ours, theirs)} (${show(theirs)})` }
    }),
  ]
}

function connectionLines(turns: Turns): Result[] {
  return WAYS.map((way) => {
    const of = turns.get(way)!
    const atRest = Math.max(...of.map(({ connectionsAtRest }) => connectionsAtRest))
    const busy = Math.max(...of.map(({ connections }) => connections))
    const listener = of.some(({ listens }) => listens) ? 'one of them listening' : 'none listening'
    return {
      what: `connections of the queue at rest, ${way.name}`,
      value: `${atRest}, ${listener}; after the jobs ${busy}`,
    }
  })
}

function describeTurn({ latenciesMs, burstSeconds, transactionsPerSecond, nodeCpu }: Turn): string {
  return `${figure(median(latenciesMs))} ms, burst ${figure(burstSeconds)} s, idle ${figure(transactionsPerSecond)} transactions/s, ${figure(nodeCpu * 100)} % CPU`
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
