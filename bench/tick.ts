import { enqueueSyncs } from '../src/jobs/enqueue.ts'
import { tick } from '../src/jobs/tick.ts'
import { startBenchBoss } from './bench-boss.ts'
import type { BenchContext, Report } from './bench.ts'
import { fillFleet } from './fill-fleet.ts'
import { figure, megabytes, median } from './figures.ts'
import { secondsOf } from './stopwatch.ts'

export interface TickSizes {
  readonly companies: number
  readonly rounds: number
}

const SIZES: TickSizes = { companies: 10_000, rounds: 5 }
const INTERVAL_SECONDS = 900
const SAMPLE_MS = 5

/** One beat with every company due at once, as after an outage, and one with none due. */
export async function tickBench({ postgres, say }: BenchContext, sizes = SIZES): Promise<Report> {
  const database = await postgres.database()
  await fillFleet(database, { ...sizes, runsEach: 20, invoicesEach: 1, invoicesOfTheBiggest: 1 })
  const boss = await startBenchBoss(database.url)
  const beat = () =>
    tick({
      database,
      enqueue: (tx, realmIds) => enqueueSyncs(boss, tx, realmIds),
      intervalSeconds: INTERVAL_SECONDS,
      monthlyCallBudget: null,
    })
  const allDue: { seconds: number; grownBytes: number }[] = []
  const noneDue: number[] = []
  try {
    for (let round = 1; round <= sizes.rounds; round += 1) {
      await database.knex.raw('UPDATE companies SET next_sync_at = now(), served_seq = requested_seq')
      await database.knex.raw('DELETE FROM pgboss.job')
      let queued = 0
      const one = await watchMemory(async () => {
        queued = (await beat()).queued
      })
      if (queued !== sizes.companies) throw new Error(`${queued} companies were queued`)
      allDue.push(one)
      await database.knex.raw('UPDATE companies SET served_seq = requested_seq')
      noneDue.push(await secondsOf(beat))
      say(`round ${round}: ${figure(one.seconds)} s, ${megabytes(one.grownBytes)} more`)
    }
  } finally {
    await boss.stop({ graceful: false })
    await database.drop()
  }
  return {
    settings: [`${sizes.companies} companies, ${sizes.rounds} rounds, medians`],
    results: [
      {
        what: 'a tick with all due',
        value: `${figure(median(allDue.map(({ seconds }) => seconds)))} s`,
        aim: 'under 2 s',
      },
      {
        what: 'resident memory it adds, most',
        value: megabytes(Math.max(...allDue.map(({ grownBytes }) => grownBytes))),
        aim: 'under 100 MB',
      },
      { what: 'a tick with none due', value: `${figure(median(noneDue) * 1000)} ms` },
    ],
  }
}

async function watchMemory(work: () => Promise<void>): Promise<{ seconds: number; grownBytes: number }> {
  const before = process.memoryUsage.rss()
  let peak = before
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  const timer = setInterval(look, SAMPLE_MS)
  const seconds = await secondsOf(work)
  clearInterval(timer)
  look()
  return { seconds, grownBytes: peak - before }
}
