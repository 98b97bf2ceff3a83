import { createAccessTokens } from '../src/connections/access-tokens.ts'
import { seedCompanies } from '../src/connections/seed-companies.ts'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import { rowsOf, type Database } from '../src/db/database.ts'
import { createLog } from '../src/log.ts'
import { createQuickBooks } from '../src/quickbooks/quickbooks.ts'
import { runCompany } from '../src/sync/run-company.ts'
import { puttingOff, type PutOff } from './put-off.ts'
import type { BenchContext, Report } from './bench.ts'
import type { BenchDatabase } from './bench-postgres.ts'
import { figure, megabytes, percent, ratio } from './figures.ts'
import { SIMULATOR_CLIENT } from './simulator-spec.ts'
import { covered, overlap, type Span } from './spans.ts'
import { ENCRYPTION_KEY, requestSyncs, startService, untilServed } from './start-service.ts'
import { startSimulator, type Simulator } from './start-simulator.ts'
import { secondsOf } from './stopwatch.ts'

export interface BackfillSizes {
  readonly invoices: number
}

const SIZES: BackfillSizes = { invoices: 100_000 }

const RECORDS = 400
const PAGE_ROWS = 1000
const ENTITIES = 5
const CALL_TIMEOUT_MS = 60_000

interface Spans {
  readonly calls: Span[]
  readonly pages: Span[]
  readonly writes: Span[]
}

/** What the first run of a big company takes: memory, calls, and whether it fetches while it writes. */
export function backfill(context: BenchContext, sizes = SIZES): Promise<Report> {
  return puttingOff((putOff) => measure(context, sizes, putOff))
}

async function measure(context: BenchContext, sizes: BackfillSizes, putOff: PutOff): Promise<Report> {
  const { postgres, say } = context
  const simulator = await startSimulator({ companies: 1, records: RECORDS, invoices: sizes.invoices })
  putOff(simulator.stop)
  const realmId = simulator.companies[0]!.realmId
  const settings = { database: await postgres.database(), simulator }
  putOff(settings.database.drop)
  const service = await startService(context, {
    ...settings,
    roles: 'web,scheduler,worker',
    name: 'backfill',
  })
  putOff(service.stop)
  await seed(settings.database, simulator)
  const atRest = await service.usage()
  const serviceSeconds = await secondsOf(async () => {
    await requestSyncs(service, `/${realmId}`)
    await untilServed(settings.database, service)
  })
  const usage = await service.usage()
  say(`through the service: ${figure(serviceSeconds)} s, ${megabytes(usage.peakResidentBytes)}`)
  const { run, records } = await readRun(settings.database)
  await service.stop()

  const spans: Spans = { calls: [], pages: [], writes: [] }
  const direct = await postgres.database()
  await seed(direct, simulator)
  const postgresBefore = await postgres.cpuSeconds()
  const seconds = await secondsOf(() => runWatched(direct, simulator, realmId, spans))
  const postgresCpu = (await postgres.cpuSeconds()) - postgresBefore
  await direct.drop()
  const fewest = 2 + ENTITIES + Math.ceil(sizes.invoices / PAGE_ROWS) + (ENTITIES - 1) + 1
  return {
    settings: [
      `${figure(records)} records, ${sizes.invoices} of them invoices put in on top of a company of ${RECORDS}; simulator in its own process`,
      `through the whole service in its own process, then runCompany alone with its calls and transactions timed`,
    ],
    results: [
      {
        what: 'resident memory of the service, most',
        value: megabytes(usage.peakResidentBytes),
        aim: 'under 300 MB',
      },
      { what: 'resident memory of the service before', value: megabytes(atRest.residentBytes) },
      { what: 'records a second, the whole service', value: figure(records / serviceSeconds) },
      { what: 'calls to QuickBooks', value: `${run.requests}, the fewest possible ${fewest}` },
      {
        what: 'service CPU, of the time',
        value: percent((usage.cpuSeconds - atRest.cpuSeconds) / serviceSeconds),
      },
      { what: 'Postgres CPU, of the time', value: percent(postgresCpu / seconds) },
      { what: 'a call under way, of the time', value: percent(covered(spans.calls) / 1000 / seconds) },
      {
        what: 'mapping pages, of the time',
        value: percent((covered(spans.pages) - overlap(spans.pages, spans.calls)) / 1000 / seconds),
      },
      {
        what: 'a transaction under way, of the time',
        value: percent(covered(spans.writes) / 1000 / seconds),
      },
      {
        what: 'a call or a mapping under way while a transaction was, of the transactions',
        value: ratio(overlap([...spans.calls, ...spans.pages], spans.writes), covered(spans.writes)),
      },
    ],
  }
}

async function seed(database: BenchDatabase, simulator: Simulator): Promise<void> {
  const cipher = createTokenCipher([{ id: 'bench', key: ENCRYPTION_KEY }])
  await seedCompanies({ database, cipher, environment: 'sandbox' }, simulator.companies)
}

interface RunRow {
  readonly requests: number
}

async function readRun(database: Database): Promise<{ run: RunRow; records: number }> {
  const [run] = await rowsOf<RunRow & { status: string; records: number }>(
    database.knex,
    `SELECT status, requests,
            (SELECT sum(CAST(e.value ->> 'inserted' AS int)) FROM jsonb_each(entities) e) AS records
       FROM sync_runs ORDER BY id DESC LIMIT 1`,
  )
  if (run?.status !== 'succeeded') throw new Error(`the backfill ended as ${run?.status ?? 'nothing'}`)
  return { run, records: Number(run.records) }
}

/** The same run without service around it, so that what it waits for can be told apart. */
async function runWatched(
  database: Database,
  simulator: Simulator,
  realmId: string,
  spans: Spans,
): Promise<void> {
  const watched: Database = {
    ...database,
    transaction: (work) => spanning(spans.writes, database.transaction(work)),
  }
  const quickbooks = createQuickBooks({
    ...simulator,
    ...SIMULATOR_CLIENT,
    callTimeoutMs: CALL_TIMEOUT_MS,
    tokenTimeoutMs: CALL_TIMEOUT_MS,
    now: () => database.clock.now().getTime(),
  })
  const log = createLog({ level: 'error', format: 'json', secrets: () => [] })
  const tokens = createAccessTokens({
    database,
    cipher: createTokenCipher([{ id: 'bench', key: ENCRYPTION_KEY }]),
    environment: 'sandbox',
    refreshTokens: (token, onCall) => quickbooks.refreshTokens(token, onCall),
    log,
  })
  const outcome = await runCompany(
    {
      database: watched,
      intervalSeconds: 900,
      random: () => 0.5,
      log,
      openReader(access) {
        const reader = quickbooks.company({
          ...access,
          onCall(call) {
            const to = performance.now()
            spans.calls.push({ from: to - call.durationMs, to })
            access.onCall(call)
          },
          accessToken: () => tokens.get(realmId, { ...access, onCall: () => undefined }),
          renewAccessToken: (stale) => tokens.renew(realmId, stale, { ...access, onCall: () => undefined }),
        })
        return { ...reader, listPage: (...page) => spanning(spans.pages, reader.listPage(...page)) }
      },
    },
    realmId,
    new AbortController().signal,
  )
  quickbooks.close()
  if (outcome.kind !== 'finished') throw new Error(`the run ended as ${outcome.kind}`)
}

async function spanning<Result>(spans: Span[], work: Promise<Result>): Promise<Result> {
  const from = performance.now()
  try {
    return await work
  } finally {
    spans.push({ from, to: performance.now() })
  }
}
