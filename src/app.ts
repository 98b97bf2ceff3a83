import { createServer, type Server } from 'node:http'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { PgBoss } from 'pg-boss'
import type { Config } from './config.ts'
import { createAccessTokens, type OnCall } from './connections/access-tokens.ts'
import { disconnectCompany, pauseCompany, resumeCompany } from './connections/change-status.ts'
import { registerCompany } from './connections/register-company.ts'
import { requestSync } from './connections/request-sync.ts'
import { seedCompanies } from './connections/seed-companies.ts'
import { forgetSettingsPause, readCallsPause } from './connections/service-state.ts'
import { createTokenCipher, type TokenCipher } from './connections/token-cipher.ts'
import { systemClock, type Clock } from './db/clock.ts'
import { connect, connectionOf, type TlsMode } from './db/connect.ts'
import { createDatabase, rowsOf, type Database, type Tx } from './db/database.ts'
import { lockDataFolder } from './db/data-folder-lock.ts'
import { startEmbeddedPostgres } from './db/embedded-postgres.ts'
import { migrateToLatest, pendingMigrations } from './db/migrate.ts'
import type { Mode } from './domain/sync-run.ts'
import { createHttp, hardenServer } from './http/http.ts'
import { answerWhileStarting } from './http/starting.ts'
import { BOSS_POOL_MAX, createBoss } from './jobs/boss.ts'
import { enqueueSyncs } from './jobs/enqueue.ts'
import { deleteOldRuns } from './jobs/housekeeping.ts'
import { performSync } from './jobs/perform-sync.ts'
import { ensureQueues } from './jobs/queues.ts'
import { readQueues } from './jobs/read-queues.ts'
import { tick } from './jobs/tick.ts'
import { workHousekeeping, workSyncs, workTicks } from './jobs/work.ts'
import { readLocalSecrets } from './local-secrets.ts'
import { createLog, type Logger } from './log.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { createQuickBooks, type QuickBooks } from './quickbooks/quickbooks.ts'
import { readSyncMetrics } from './sync/read-metrics.ts'
import { recordCalls } from './sync/record-calls.ts'
import { runCompany, type SyncOptions } from './sync/run-company.ts'
import { VERSION } from './version.ts'

export interface App {
  readonly http: Server
  /** Binds the port at once, then makes everything ready. Resolves with what a person needs to look at it. */
  start(): Promise<Started>
  /** Ends everything within 10 seconds: open runs are closed and asked for again. Harmless when repeated. */
  stop(): Promise<void>
}

export interface Started {
  readonly port: number
  readonly adminToken: string
  readonly databaseUrl: string
  /** Where the embedded cluster lives; null with a database of one's own. */
  readonly clusterDirectory: string | null
  readonly simulatorUrl: string | null
}

export interface Overrides {
  readonly clock?: Clock
  /** In [0, 1). */
  readonly random?: () => number
  readonly log?: Logger
}

// Intuit cuts a request at 120 s; a page of 1,000 takes about one, and a slow one is better asked for again.
const CALL_TIMEOUT_MS = 60_000
// The one call during which a transaction is open.
const TOKEN_TIMEOUT_MS = 10_000
// No statement of ours takes a second; one that takes 20 is stuck, and its lease would lapse at 30.
const STATEMENT_TIMEOUT_MS = 20_000
const COLLECTOR_TIMEOUT_MS = 5_000
// Connections come to DATABASE_POOL_MAX + 2: the queue's pool, its listener, and the rest for knex.
const QUEUE_CONNECTIONS = BOSS_POOL_MAX + 1
// How often a process that waits for its release's migrations looks again.
const RELEASE_POLL_MS = 2_000
const WAIT_POLL_MS = 200
// A believable bustle for a demo: an action in each lively company every ten seconds.
const DEMO_ACTIVITY_MS = 10_000
const DEMO_SEED = 20_261_122
// What is left of Heroku's 30 seconds, and of the 10 promised, after the runs were told to stop.
const DRAIN_MS = 5_000

/** The whole service, put together from its settings. The only place that knows every room. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  const clock = overrides.clock ?? systemClock()
  const random = overrides.random ?? Math.random
  const secrets: string[] = knownSecrets(config)
  const log = overrides.log ?? createLog({ ...config.log, secrets: () => secrets })
  const stopping = new AbortController()
  const ending: (() => Promise<unknown> | void)[] = []
  const starting = { missing: ['the service is starting'] }

  let handle = answerWhileStarting(() => starting.missing)
  const server = createServer((request, response) => handle(request, response))
  hardenServer(server)

  async function start(): Promise<Started> {
    const port = await listen(server, config.port)
    ending.push(() => closeServer(server))
    const ground = await layGround(config, { clock, log, ending, secrets })
    const { database, cipher, quickbooks, adminToken } = ground
    const metrics = createMetrics({
      perCompany: config.metricsPerCompany,
      version: VERSION,
      collectorTimeoutMs: COLLECTOR_TIMEOUT_MS,
      readSync: () => readSyncMetrics(database, { perCompany: config.metricsPerCompany }),
      readQueues: () => readQueues(boss),
    })
    const boss = createBoss({
      connection: connectionOf(ground.databaseUrl, ground.tls),
      applicationName: applicationName(config),
      schedules: config.roles.has('scheduler'),
      works: config.roles.has('worker'),
      migrates: !config.production,
      log,
    })
    const enqueue = (tx: Tx, realmIds: readonly string[]) => enqueueSyncs(boss, tx, realmIds)
    const readiness = createReadiness(database, () => starting.missing)
    if (config.roles.has('web')) {
      handle = createHttp({
        database,
        adminToken,
        metricsToken: config.metricsToken,
        log,
        readiness,
        metrics,
        intervalSeconds: config.syncIntervalSeconds,
        waitPollMs: WAIT_POLL_MS,
        ...operations({ config, database, cipher, quickbooks, enqueue }),
      })
    }
    await awaitRelease(config, database, starting, stopping.signal)
    await forgetSettingsPause(database.knex)
    await startQueue(boss, starting, { production: config.production, stop: stopping.signal })
    ending.push(() => boss.stop({ graceful: true, timeout: DRAIN_MS }))
    if (ground.demoCompanies) {
      await seedCompanies(
        { database, cipher, environment: config.quickbooks.environment },
        ground.demoCompanies,
      )
    }
    await startRoles({
      config,
      boss,
      database,
      cipher,
      quickbooks,
      enqueue,
      metrics,
      random,
      log,
      stop: stopping.signal,
    })
    starting.missing = []
    log.info('started', { port, roles: [...config.roles], version: VERSION })
    const { databaseUrl, clusterDirectory, simulatorUrl } = ground
    return { port, adminToken, databaseUrl, clusterDirectory, simulatorUrl }
  }

  let stopped: Promise<void> | null = null
  function stop(): Promise<void> {
    stopped ??= (async () => {
      stopping.abort()
      starting.missing = ['the service is stopping']
      for (const end of ending.reverse()) {
        await Promise.resolve(end()).catch((error: unknown) => log.error('not ended cleanly', { error }))
      }
    })()
    return stopped
  }

  return { http: server, start, stop }
}

interface Ground {
  readonly database: Database
  readonly databaseUrl: string
  readonly tls: TlsMode
  readonly clusterDirectory: string | null
  readonly cipher: TokenCipher
  readonly adminToken: string
  readonly quickbooks: QuickBooks
  readonly simulatorUrl: string | null
  readonly demoCompanies: { realmId: string; name: string; refreshToken: string }[] | null
}

interface GroundOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly ending: (() => Promise<unknown> | void)[]
  readonly secrets: string[]
}

/** What stands under everything: the data folder, Postgres, Intuit or its simulator, the secrets. */
async function layGround(config: Config, options: GroundOptions): Promise<Ground> {
  const { clock, log, ending, secrets } = options
  const needsFolder =
    !config.database || !config.adminToken || !config.encryptionKeys || !config.quickbooks.app
  if (needsFolder) {
    const lock = await lockDataFolder(config.dataDirectory)
    ending.push(() => lock.release())
  }
  const local = needsFolder ? await readLocalSecrets(config.dataDirectory) : null
  const adminToken = config.adminToken ?? local!.adminToken
  const keys = config.encryptionKeys ?? local!.encryptionKeys
  secrets.push(adminToken, ...keys.map(({ key }) => key.toString('base64')))

  const intuit = await findIntuit(config, options)
  const quickbooks = createQuickBooks({
    ...intuit,
    callTimeoutMs: CALL_TIMEOUT_MS,
    tokenTimeoutMs: TOKEN_TIMEOUT_MS,
    now: () => clock.now().getTime(),
  })
  ending.push(() => quickbooks.close())

  const postgres = await findPostgres(config, options)
  const knex = connect({
    url: postgres.url,
    tls: postgres.tls,
    poolMax: config.databasePoolMax + 2 - QUEUE_CONNECTIONS,
    applicationName: applicationName(config),
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  ending.push(() => knex.destroy())
  log.info('database found', { embedded: postgres.clusterDirectory !== null })
  return {
    database: createDatabase(knex, clock),
    databaseUrl: postgres.url,
    tls: postgres.tls,
    clusterDirectory: postgres.clusterDirectory,
    cipher: createTokenCipher(keys),
    adminToken,
    quickbooks,
    simulatorUrl: intuit.simulatorUrl,
    demoCompanies: intuit.demoCompanies,
  }
}

async function findPostgres(
  config: Config,
  { log, ending }: GroundOptions,
): Promise<{ url: string; tls: TlsMode; clusterDirectory: string | null }> {
  if (config.database) return { ...config.database, clusterDirectory: null }
  const embedded = await startEmbeddedPostgres({
    directory: join(config.dataDirectory, 'postgres'),
    log: (message) => log.info(message),
  })
  ending.push(() => embedded.stop())
  return { url: embedded.url, tls: 'off', clusterDirectory: embedded.directory }
}

async function findIntuit(config: Config, { clock, ending }: GroundOptions) {
  const { app, apiBaseUrl, tokenUrl, revokeUrl } = config.quickbooks
  if (app) return { ...app, apiBaseUrl, tokenUrl, revokeUrl, simulatorUrl: null, demoCompanies: null }
  // Loaded only here: a production process never holds the simulator.
  const { startSandbox } = await import('./sandbox/sandbox.ts')
  const { DEMO_COMPANIES } = await import('./sandbox/demo-companies.ts')
  const credentials = { clientId: 'simulated-app', clientSecret: 'simulated-secret' }
  const sandbox = await startSandbox({
    port: 0,
    directory: join(config.dataDirectory, 'sandbox'),
    now: () => clock.now().getTime(),
    seed: DEMO_SEED,
    companies: DEMO_COMPANIES,
    ...credentials,
    activityIntervalMs: DEMO_ACTIVITY_MS,
  })
  ending.push(() => sandbox.stop())
  return {
    ...credentials,
    apiBaseUrl: sandbox.apiBaseUrl,
    tokenUrl: sandbox.tokenUrl,
    revokeUrl: sandbox.revokeUrl,
    simulatorUrl: sandbox.url,
    demoCompanies: sandbox.companies(),
  }
}

/** In production a release migrates before the new processes take over; elsewhere the start does it itself. */
async function awaitRelease(
  config: Config,
  database: Database,
  starting: { missing: string[] },
  stop: AbortSignal,
): Promise<void> {
  if (!config.production) return migrateToLatest(database.knex)
  for (;;) {
    const missing = await missingForStart(database)
    if (missing.length === 0) return
    starting.missing = missing
    await wait(RELEASE_POLL_MS, undefined, { signal: stop })
  }
}

async function missingForStart(database: Database): Promise<string[]> {
  try {
    const pending = await pendingMigrations(database.knex)
    return pending.map((name) => `migration ${name} is not applied: run npm run migrate`)
  } catch {
    return ['Postgres does not answer']
  }
}

async function startQueue(
  boss: PgBoss,
  starting: { missing: string[] },
  { production, stop }: { production: boolean; stop: AbortSignal },
): Promise<void> {
  for (;;) {
    try {
      await boss.start()
      return await ensureQueues(boss)
    } catch (error) {
      if (!production) throw error
      starting.missing = ['pg-boss does not start: run npm run migrate']
      await wait(RELEASE_POLL_MS, undefined, { signal: stop })
    }
  }
}

interface OperationOptions {
  readonly config: Config
  readonly database: Database
  readonly cipher: TokenCipher
  readonly quickbooks: QuickBooks
  readonly enqueue: (tx: Tx, realmIds: readonly string[]) => Promise<void>
}

/** What the HTTP room may ask of the rooms above it. */
function operations({ config, database, cipher, quickbooks, enqueue }: OperationOptions) {
  const { environment } = config.quickbooks
  return {
    registerCompany: (registration: Parameters<typeof registerCompany>[1]) =>
      registerCompany(
        {
          database,
          cipher,
          environment,
          enqueue,
          recordCalls,
          refreshTokens: (token, onCall) => quickbooks.refreshTokens(token, onCall),
          tryAccess: (realmId, accessToken, onCall) => tryAccess(quickbooks, realmId, accessToken, onCall),
        },
        registration,
      ),
    pauseCompany: (realmId: string) => pauseCompany(database, realmId),
    resumeCompany: (realmId: string) => resumeCompany(database, enqueue, realmId),
    disconnectCompany: (realmId: string) =>
      disconnectCompany(
        {
          database,
          cipher,
          recordCalls,
          revokeToken: (token, onCall) => quickbooks.revokeToken(token, onCall),
        },
        realmId,
      ),
    requestSync: (realmIds: readonly string[] | 'all', { mode }: { readonly mode: Mode }) =>
      database.transaction(async (tx) => {
        const asked = await requestSync(tx, realmIds === 'all' ? await activeCompanies(tx) : realmIds, {
          mode,
          trigger: 'manual',
        })
        await enqueue(tx, [...asked.keys()])
        return asked
      }),
  }
}

async function activeCompanies(tx: Tx): Promise<string[]> {
  const rows = await rowsOf<{ realmId: string }>(
    tx.trx,
    `SELECT realm_id AS "realmId" FROM companies WHERE status = 'active' ORDER BY realm_id`,
  )
  return rows.map((row) => row.realmId)
}

/** With a token in hand and nothing to renew it by: a refused one is refused. */
function tryAccess(quickbooks: QuickBooks, realmId: string, accessToken: string, onCall: OnCall) {
  return quickbooks
    .company({
      realmId,
      homeCurrency: () => null,
      accessToken: () => Promise.resolve(accessToken),
      renewAccessToken: () => Promise.resolve(accessToken),
      onCall,
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    })
    .companyInfo()
}

interface RoleOptions extends OperationOptions {
  readonly boss: PgBoss
  readonly metrics: Metrics
  readonly random: () => number
  readonly log: Logger
  readonly stop: AbortSignal
}

async function startRoles(options: RoleOptions): Promise<void> {
  const { config, boss, database, enqueue, log, stop } = options
  const intervalSeconds = config.syncIntervalSeconds
  if (config.roles.has('worker')) {
    const sync = syncOptions(options)
    await workSyncs(boss, config.syncConcurrency, (realmId, last) =>
      performSync(
        { database, intervalSeconds, run: (realm, stopSignal) => runCompany(sync, realm, stopSignal) },
        { realmId, last, stop },
      ),
    )
  }
  if (config.roles.has('scheduler')) {
    const { monthlyCallBudget } = config.quickbooks
    const beat = async () => {
      const { abandoned, queued } = await tick({ database, enqueue, intervalSeconds, monthlyCallBudget })
      log.debug('tick', { abandoned, queued })
    }
    await workTicks(boss, beat)
    await workHousekeeping(boss, log, () => deleteOldRuns(database, config.runRetentionDays))
    // The first sync comes at once, not at the next minute.
    await beat()
  }
}

function syncOptions({
  config,
  database,
  cipher,
  quickbooks,
  metrics,
  random,
  log,
}: RoleOptions): SyncOptions {
  const tokens = createAccessTokens({
    database,
    cipher,
    environment: config.quickbooks.environment,
    refreshTokens: (refreshToken, onCall) => quickbooks.refreshTokens(refreshToken, onCall),
  })
  return {
    database,
    intervalSeconds: config.syncIntervalSeconds,
    random,
    log,
    openReader({ realmId, homeCurrency, onCall, signal }) {
      const observe: OnCall = (call) => {
        metrics.observeQuickBooksCall(call)
        onCall(call)
      }
      return quickbooks.company({
        realmId,
        homeCurrency,
        signal,
        onCall: observe,
        accessToken: () => tokens.get(realmId, observe),
        renewAccessToken: (stale) => tokens.renew(realmId, stale, observe),
      })
    },
  }
}

/** What keeps the service from being ready; empty when nothing does. */
function createReadiness(database: Database, starting: () => string[]): () => Promise<string[]> {
  return async () => {
    if (starting().length > 0) return starting()
    const missing = await missingForStart(database)
    if (missing.length > 0) return missing
    const pause = await readCallsPause(database.knex, database.clock.now())
    return pause?.code === 'app_misconfigured' ? [`QuickBooks refuses this service: ${pause.reason}`] : []
  }
}

function applicationName(config: Config): string {
  return `ledger-mirror ${[...config.roles].join('+')} ${hostname()}`.slice(0, 63)
}

function knownSecrets(config: Config): string[] {
  return [
    config.adminToken,
    config.metricsToken,
    config.quickbooks.app?.clientSecret,
    config.quickbooks.webhookVerifierToken,
    ...(config.encryptionKeys ?? []).map(({ key }) => key.toString('base64')),
  ].filter((secret): secret is string => Boolean(secret))
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return (server.address() as AddressInfo).port
}

/** Requests under way get a moment; idle kept-alive connections none. */
async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), 1_000)
  await closed
  clearTimeout(cut)
}
