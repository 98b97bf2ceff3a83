import { setTimeout as wait } from 'node:timers/promises'
import { seedCompanies } from '../src/connections/seed-companies.ts'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import { rowsOf, type Database } from '../src/db/database.ts'
import type { BenchContext, Report } from './bench.ts'
import { figure, megabytes, percentile } from './figures.ts'
import { puttingOff, type PutOff } from './put-off.ts'
import { ENCRYPTION_KEY, requestSyncs, startService, untilServed, type Service } from './start-service.ts'
import { startSimulator } from './start-simulator.ts'
import { secondsOf } from './stopwatch.ts'

export interface HeavyPagesSizes {
  readonly companies: number
  /** Records of each company, bills, payments and lists included; about three in ten are invoices. */
  readonly records: number
  readonly linesPerInvoice: number
}

// A thousand invoices of 60 kB each: as a single page they ended the process.
const SIZES: HeavyPagesSizes = { companies: 4, records: 3_500, linesPerInvoice: 260 }

const HEAP_MB = 256
const PROBE_PAUSE_MS = 50

/** What companies with long invoices do to the memory of the service, to its event loop and to a company beside them. */
export function heavyPages(context: BenchContext, sizes = SIZES): Promise<Report> {
  return puttingOff((putOff) => measure(context, sizes, putOff))
}

async function measure(context: BenchContext, sizes: HeavyPagesSizes, putOff: PutOff): Promise<Report> {
  const { companies, records, linesPerInvoice } = sizes
  const simulator = await startSimulator({
    companies: companies + 1,
    records,
    invoices: 0,
    long: { companies, linesPerInvoice },
  })
  putOff(simulator.stop)
  const database = await context.postgres.database()
  putOff(database.drop)
  const service = await startService(context, {
    database,
    simulator,
    roles: 'web,scheduler,worker',
    name: 'heavy-pages',
    nodeArgs: [`--max-old-space-size=${HEAP_MB}`],
  })
  putOff(service.stop)
  const cipher = createTokenCipher([{ id: 'bench', key: ENCRYPTION_KEY }])
  await seedCompanies({ database, cipher, environment: 'sandbox' }, simulator.companies)
  const atRest = await service.usage()
  const probing = probeHealth(service)
  const seconds = await secondsOf(async () => {
    await requestSyncs(service)
    await untilServed(database, service)
  })
  const waitsMs = await probing.end()
  const busy = await service.usage()
  const runs = await readRuns(database)
  const light = runs.find(({ realmId }) => realmId === simulator.companies.at(-1)!.realmId)
  return {
    settings: [
      `${companies} companies of ${figure(records)} records, their invoices of ${linesPerInvoice} lines, beside one with short ones; first listing of all at once`,
      `heap of ${HEAP_MB} MB; /healthz asked by another process each ${PROBE_PAUSE_MS} ms, ${waitsMs.length} times in ${figure(seconds)} s`,
    ],
    results: [
      {
        what: 'runs that did not succeed',
        value: String(runs.filter(({ status }) => status !== 'succeeded').length),
        aim: '0',
      },
      { what: 'resident memory, most', value: megabytes(busy.peakResidentBytes), aim: 'under 500 MB' },
      { what: 'resident memory before', value: megabytes(atRest.residentBytes) },
      {
        what: 'processor time of the main thread at a stretch, most',
        value: `${figure(busy.mostLoopCpuMs)} ms`,
        aim: 'under 50 ms',
      },
      { what: 'delay of the event loop, most', value: `${figure(busy.mostLoopDelayMs)} ms` },
      { what: '/healthz, the longest wait', value: `${figure(Math.max(...waitsMs))} ms` },
      { what: '/healthz, 99 of 100 waits', value: `${figure(percentile(waitsMs, 0.99))} ms` },
      { what: 'the company with short invoices was done after', value: `${figure(light?.seconds ?? NaN)} s` },
      { what: 'the last company was done after', value: `${figure(seconds)} s` },
      {
        what: 'calls for a company with long invoices, most',
        value: String(Math.max(...runs.map(({ requests }) => requests))),
      },
    ],
  }
}

/** Asks whether the service is there, again and again, as a load balancer does. */
function probeHealth({ url }: Service): { end(): Promise<number[]> } {
  const waitsMs: number[] = []
  let isOver = false
  const probe = async () => {
    while (!isOver) {
      const beganAt = performance.now()
      const answer = await fetch(`${url}/healthz`)
      await answer.text()
      waitsMs.push(performance.now() - beganAt)
      await wait(PROBE_PAUSE_MS)
    }
  }
  const probing = probe()
  return {
    async end() {
      isOver = true
      await probing
      return waitsMs
    },
  }
}

interface RunRow {
  readonly realmId: string
  readonly status: string
  readonly requests: number
  readonly seconds: number
}

function readRuns(database: Database): Promise<RunRow[]> {
  return rowsOf<RunRow>(
    database.knex,
    `SELECT realm_id AS "realmId", status, requests,
            CAST(extract(epoch FROM finished_at - started_at) AS float8) AS seconds
       FROM sync_runs`,
  )
}
