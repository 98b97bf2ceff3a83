import { createRequire } from 'node:module'
import type { BenchContext, Report } from './bench.ts'
import { ownCpuSeconds } from './cpu-clock.ts'
import { figure, median, ratio } from './figures.ts'
import { pageByPage } from './page-by-page.ts'
import { mapAll, samplePayloads } from './sample-records.ts'
import { secondsOf } from './stopwatch.ts'

export interface PeerSizes {
  readonly ours: number
  /** Fewer of theirs: its rate does not depend on how many. */
  readonly theirs: number
  readonly rounds: number
}

const SIZES: PeerSizes = { ours: 20_000, theirs: 5_000, rounds: 3 }
// Its chunks hold five rows, each on a connection of its own.
const PEER_CONNECTIONS = 5

/** The part of the package that is used here. */
interface PeerPackage {
  readonly runMigrations: (options: { databaseUrl: string; schema: string }) => Promise<void>
  readonly StripeSync: new (options: object) => {
    upsertInvoices(invoices: object[], backfillRelatedEntities: boolean): Promise<unknown>
    readonly postgresClient: {
      readonly pool: { end(): Promise<void>; on(event: 'error', heard: () => void): void }
    }
  }
}

interface Rate {
  readonly rowsPerSecond: number
  readonly cpuMicrosPerRow: number
}

/** The upsert of a mirror for another source, one statement a row, against ours, on the same Postgres. */
export async function peer({ postgres, say }: BenchContext, sizes = SIZES): Promise<Report> {
  // As CommonJS: its ES module does not find its own migrations.
  const theirs = createRequire(import.meta.url)('@supabase/stripe-sync-engine') as PeerPackage
  const payloads = await samplePayloads('Invoice', sizes.ours)
  const versions = mapAll('invoice', payloads)
  const invoices = payloads.slice(0, sizes.theirs).map((payload, index) => peerInvoice(index, payload.length))
  const rates = {
    ours: [] as Rate[],
    oursAgain: [] as Rate[],
    theirs: [] as Rate[],
    theirsAgain: [] as Rate[],
  }
  const rate = async (rows: number, work: () => Promise<unknown>): Promise<Rate> => {
    const cpu = async () => ownCpuSeconds() + (await postgres.cpuSeconds())
    const before = await cpu()
    const seconds = await secondsOf(work)
    return { rowsPerSecond: rows / seconds, cpuMicrosPerRow: (((await cpu()) - before) / rows) * 1e6 }
  }
  for (let round = 1; round <= sizes.rounds; round += 1) {
    const database = await postgres.database()
    const write = await pageByPage('invoice').open(database)
    rates.ours.push(await rate(versions.length, () => write(versions)))
    rates.oursAgain.push(await rate(versions.length, () => write(versions)))
    // Its migrations give their functions to a role of this name.
    if (round === 1) await database.knex.raw('CREATE ROLE postgres')
    await theirs.runMigrations({ databaseUrl: database.url, schema: 'stripe' })
    const sync = new theirs.StripeSync({
      schema: 'stripe',
      stripeSecretKey: 'sk_test_unused',
      stripeWebhookSecret: 'unused',
      autoExpandLists: false,
      poolConfig: { connectionString: database.url, max: PEER_CONNECTIONS },
    })
    // What goes wrong is told by its promises; an event that nobody hears would end the process instead.
    sync.postgresClient.pool.on('error', () => undefined)
    rates.theirs.push(await rate(invoices.length, () => sync.upsertInvoices(invoices, false)))
    rates.theirsAgain.push(await rate(invoices.length, () => sync.upsertInvoices(invoices, false)))
    await sync.postgresClient.pool.end()
    await database.drop()
    say(
      `round ${round}: ours ${figure(rates.ours.at(-1)!.rowsPerSecond)}, theirs ${figure(rates.theirs.at(-1)!.rowsPerSecond)} rows/s`,
    )
  }
  const compare = (what: string, of: readonly Rate[], to: readonly Rate[]) => ({
    what: `${what}: ours to theirs`,
    value: `${ratio(middle(of, 'rowsPerSecond'), middle(to, 'rowsPerSecond'))} by the clock, ${ratio(middle(to, 'cpuMicrosPerRow'), middle(of, 'cpuMicrosPerRow'))} by CPU time`,
  })
  return {
    settings: [
      `invoices of about 1.2 kB: ${sizes.ours} of ours in pages of 1,000, versions kept; ${sizes.theirs} of theirs, five at once; ${sizes.rounds} rounds in turn, medians`,
      'theirs: @supabase/stripe-sync-engine, upsertInvoices',
    ],
    results: [
      compare('first load', rates.ours, rates.theirs),
      compare('the same again', rates.oursAgain, rates.theirsAgain),
    ],
  }
}

function middle(rates: readonly Rate[], of: keyof Rate): number {
  return median(rates.map((rate) => rate[of]))
}

/** An invoice of the peer's source with as many bytes. */
function peerInvoice(index: number, bytes: number): object {
  const invoice = {
    id: `in_${index}`,
    object: 'invoice',
    currency: 'usd',
    status: 'open',
    total: 1000 + index,
    amount_due: 1000 + index,
    amount_paid: 0,
    amount_remaining: 1000 + index,
    created: 1_750_000_000 + index,
    due_date: 1_752_000_000 + index,
    number: `D-${index}`,
    customer: `cus_${index % 50}`,
    customer_name: `Customer ${index % 50}`,
    livemode: false,
    paid: false,
    metadata: {},
    lines: { object: 'list', has_more: false, data: [{ id: `il_${index}`, amount: 1000, description: '' }] },
  }
  const room = Math.max(0, bytes - JSON.stringify(invoice).length)
  invoice.lines.data[0]!.description = 'Approved by the office in writing. '.repeat(40).slice(0, room)
  return invoice
}
