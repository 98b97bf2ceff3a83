import { seedCompanies } from '../src/connections/seed-companies.ts'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import { puttingOff, type PutOff } from './put-off.ts'
import type { BenchContext, Report } from './bench.ts'
import { figure, megabytes, percent } from './figures.ts'
import { ENCRYPTION_KEY, requestSyncs, startService, untilServed } from './start-service.ts'
import { startSimulator } from './start-simulator.ts'

export interface RestSizes {
  readonly companies: number
  readonly restSeconds: number
}

const SIZES: RestSizes = { companies: 1000, restSeconds: 20 }
const RECORDS = 20

/** What the whole service holds when a round is over and nothing is asked of it. */
export function rest(context: BenchContext, sizes = SIZES): Promise<Report> {
  return puttingOff((putOff) => measure(context, sizes, putOff))
}

async function measure(context: BenchContext, sizes: RestSizes, putOff: PutOff): Promise<Report> {
  const simulator = await startSimulator({ companies: sizes.companies, records: RECORDS, invoices: 0 })
  putOff(simulator.stop)
  const database = await context.postgres.database()
  putOff(database.drop)
  const service = await startService(context, {
    database,
    simulator,
    roles: 'web,scheduler,worker',
    name: 'rest',
  })
  putOff(service.stop)
  const started = await service.usage()
  const cipher = createTokenCipher([{ id: 'bench', key: ENCRYPTION_KEY }])
  await seedCompanies({ database, cipher, environment: 'sandbox' }, simulator.companies)
  await requestSyncs(service)
  const connections = await untilServed(database, service)
  await requestSyncs(service)
  await untilServed(database, service)
  const busy = await service.usage()
  await new Promise((resolve) => setTimeout(resolve, sizes.restSeconds * 1000))
  const atRest = await service.usage()
  return {
    settings: [`${sizes.companies} companies, all roles in one process; after a backfill and a round of all`],
    results: [
      { what: 'resident memory at rest', value: megabytes(atRest.residentBytes), aim: 'under 250 MB' },
      { what: 'of it the JavaScript heap in use', value: megabytes(atRest.heapUsedBytes) },
      { what: 'resident memory just started, no company', value: megabytes(started.residentBytes) },
      { what: 'resident memory, most while busy', value: megabytes(busy.peakResidentBytes) },
      { what: 'connections, most', value: figure(connections), aim: 'at most 12' },
      { what: 'connections at rest', value: figure(await service.connections()) },
      {
        what: `CPU at rest, over ${sizes.restSeconds} s`,
        value: percent((atRest.cpuSeconds - busy.cpuSeconds) / sizes.restSeconds),
      },
    ],
  }
}
