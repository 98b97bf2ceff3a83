import { seedCompanies } from '../src/connections/seed-companies.ts'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import { rowsOf } from '../src/db/database.ts'
import { puttingOff, type PutOff } from './put-off.ts'
import type { BenchContext, Report } from './bench.ts'
import type { BenchDatabase } from './bench-postgres.ts'
import { figure, median, ratio } from './figures.ts'
import { ADMIN_TOKEN, ENCRYPTION_KEY, requestSyncs, startService, untilServed } from './start-service.ts'
import type { Service } from './start-service.ts'
import { startSimulator, type Simulator } from './start-simulator.ts'
import { secondsOf } from './stopwatch.ts'

export interface PeopleFirstSizes {
  /** Of each of the two giants. */
  readonly invoices: number
  /** How often a person asks, with and without backfills under way. */
  readonly asked: number
}

const SIZES: PeopleFirstSizes = { invoices: 60_000, asked: 7 }
const GIANTS = 2
const RECORDS = 20
const SHORT_PAUSE_MS = 20

interface Measured {
  readonly alone: number
  readonly beside: readonly number[]
  readonly backfills: number
}

/** What a person waits for a small company while giants are read for the first time, and what that costs the giants. */
export function peopleFirst(context: BenchContext, sizes = SIZES): Promise<Report> {
  return puttingOff(async (putOff) => {
    const simulator = await startSimulator({
      companies: GIANTS + 1,
      records: RECORDS,
      invoices: sizes.invoices,
      giants: GIANTS,
    })
    putOff(simulator.stop)
    const one = await measure(context, simulator, { sizes, loops: 1 }, putOff)
    const two = await measure(context, simulator, { sizes, loops: 2 }, putOff)
    const three = await measure(context, simulator, { sizes, loops: 3 }, putOff)
    return {
      settings: [
        `${GIANTS} companies of ${sizes.invoices} invoices, one of about ${RECORDS} records; asked for by POST with ?wait, ${sizes.asked} times`,
        'of two loops one takes no bulk, so that the giants take turns; of three two read them side by side, as two would without the rule',
      ],
      results: [
        ...[one, two].flatMap(({ alone, beside }, index) => {
          const loops = index === 0 ? 'one loop' : 'two loops'
          return [
            { what: `${loops}: a person waits, no backfills`, value: `${figure(alone)} s` },
            {
              what: `${loops}: beside two backfills, median and most`,
              value: `${figure(median(beside))} s, ${figure(Math.max(...beside))} s`,
            },
            { what: `${loops}: the median, of that without`, value: ratio(median(beside), alone) },
          ]
        }),
        { what: 'both backfills, two loops of which one takes no bulk', value: `${figure(two.backfills)} s` },
        { what: 'both backfills, two loops for them', value: `${figure(three.backfills)} s` },
        {
          what: 'throughput of the backfills, with the rule of that without',
          value: ratio(three.backfills, two.backfills),
        },
      ],
    }
  })
}

async function measure(
  context: BenchContext,
  simulator: Simulator,
  { sizes, loops }: { readonly sizes: PeopleFirstSizes; readonly loops: number },
  putOff: PutOff,
): Promise<Measured> {
  const database = await context.postgres.database()
  putOff(database.drop)
  const service = await startService(context, {
    database,
    simulator,
    roles: 'web,worker',
    name: `people-first-${loops}`,
    env: { SYNC_CONCURRENCY: String(loops) },
  })
  putOff(service.stop)
  const cipher = createTokenCipher([{ id: 'bench', key: ENCRYPTION_KEY }])
  await seedCompanies({ database, cipher, environment: 'sandbox' }, simulator.companies)
  const [giants, small] = [simulator.companies.slice(0, GIANTS), simulator.companies[GIANTS]!]
  await ask(service, small.realmId)
  const alone: number[] = []
  for (let asked = 0; asked < sizes.asked; asked += 1) alone.push(await ask(service, small.realmId))

  const beside: number[] = []
  const backfills = await secondsOf(async () => {
    for (const { realmId } of giants) await requestSyncs(service, `/${realmId}`)
    await untilListing(database)
    for (let asked = 0; asked < sizes.asked; asked += 1) beside.push(await ask(service, small.realmId))
    await untilServed(database, service)
  })
  await service.stop()
  context.say(
    `${loops} loops: alone ${figure(median(alone))} s, beside ${figure(median(beside))} s, backfills ${figure(backfills)} s`,
  )
  return { alone: median(alone), beside, backfills }
}

/** @returns how many seconds a person waited for the finished run. */
async function ask(service: Service, realmId: string): Promise<number> {
  return secondsOf(async () => {
    const answer = await fetch(`${service.url}/admin/sync/${realmId}?wait=25`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    })
    await answer.text()
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`)
  })
}

/** Until a giant is being listed. */
async function untilListing({ knex }: BenchDatabase): Promise<void> {
  for (;;) {
    const begun = await rowsOf(knex, 'SELECT FROM sync_states WHERE entity = :entity LIMIT 2', {
      entity: 'vendor',
    })
    if (begun.length === 2) return
    await new Promise((resolve) => setTimeout(resolve, SHORT_PAUSE_MS))
  }
}
