import { puttingOff, type PutOff } from './put-off.ts'
import type { BenchContext, Report } from './bench.ts'
import { fillFleet } from './fill-fleet.ts'
import { figure, megabytes, median } from './figures.ts'
import { ADMIN_TOKEN, startService } from './start-service.ts'

export interface MetricsSizes {
  readonly companies: number
  readonly scrapes: number
}

const SIZES: MetricsSizes = { companies: 10_000, scrapes: 9 }
const NOWHERE = 'http://127.0.0.1:9'

/** What a scrape of `/metrics` and the first page of a few lists take with many companies. */
export function metricsBench(context: BenchContext, sizes = SIZES): Promise<Report> {
  return puttingOff((putOff) => measure(context, sizes, putOff))
}

async function measure(context: BenchContext, sizes: MetricsSizes, putOff: PutOff): Promise<Report> {
  const database = await context.postgres.database()
  putOff(database.drop)
  await fillFleet(database, { ...sizes, runsEach: 20, invoicesEach: 1, invoicesOfTheBiggest: 1 })
  const simulator = { apiBaseUrl: NOWHERE, tokenUrl: NOWHERE, revokeUrl: NOWHERE }
  const service = await startService(context, { database, simulator, roles: 'web', name: 'metrics' })
  putOff(service.stop)
  const before = await service.usage()
  const scrapes = await timesOf(sizes.scrapes, `${service.url}/metrics`)
  const after = await service.usage()
  const text = await textOf(`${service.url}/metrics`)
  const listed = await timesOf(sizes.scrapes, `${service.url}/admin/companies?limit=1000`)
  return {
    settings: [`${sizes.companies} companies, ${sizes.scrapes} scrapes in turn, the first left out`],
    results: [
      { what: 'a scrape', value: `${figure(median(scrapes))} ms`, aim: 'under 1,000 ms' },
      {
        what: 'CPU of the service for a scrape',
        value: `${figure(((after.cpuSeconds - before.cpuSeconds) / sizes.scrapes) * 1000)} ms`,
      },
      { what: 'its size', value: `${megabytes(text.length)}, ${figure(text.split('\n').length)} lines` },
      { what: 'resident memory, most', value: megabytes(after.peakResidentBytes) },
      { what: 'GET /admin/companies?limit=1000', value: `${figure(median(listed))} ms` },
    ],
  }
}

async function timesOf(times: number, url: string): Promise<number[]> {
  const taken: number[] = []
  for (let time = 0; time <= times; time += 1) {
    const startedAt = performance.now()
    await textOf(url)
    taken.push(performance.now() - startedAt)
  }
  return taken.slice(1)
}

async function textOf(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } })
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`)
  return answer.text()
}
