import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { PgBoss } from 'pg-boss'
import type { Config } from './config.ts'
import { seedCompanies } from './connections/seed-companies.ts'
import { forgetSettingsPause, readCallsPause } from './connections/service-state.ts'
import { systemClock, type Clock } from './db/clock.ts'
import { connectionOf } from './db/connect.ts'
import type { Database, Tx } from './db/database.ts'
import { migrateToLatest, pendingMigrations } from './db/migrate.ts'
import { applicationName, claimDataFolder, layGround } from './ground.ts'
import { createHttp, hardenServer } from './http/http.ts'
import { answerWhileStarting } from './http/starting.ts'
import { createBoss } from './jobs/boss.ts'
import { enqueueSyncs } from './jobs/enqueue.ts'
import { ensureQueues } from './jobs/queues.ts'
import { readQueues } from './jobs/read-queues.ts'
import { createLog, type Logger } from './log.ts'
import { createMetrics } from './metrics/metrics.ts'
import { operations } from './operations.ts'
import type { QuickBooks } from './quickbooks/quickbooks.ts'
import { startRoles } from './roles.ts'
import { readSyncMetrics } from './sync/read-metrics.ts'
import { VERSION } from './version.ts'

export interface App {
  readonly http: Server
  /** Binds the port at once where it answers HTTP, then makes everything ready. Resolves with what a person needs to look at it. */
  start(): Promise<Started>
  /** Ends everything within 10 seconds: open runs are closed and asked for again. Harmless when repeated. */
  stop(): Promise<void>
}

export interface Started {
  /** Null in a process that answers no HTTP. */
  readonly port: number | null
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

const COLLECTOR_TIMEOUT_MS = 5_000
// How often a process that waits for its release's migrations looks again.
const RELEASE_POLL_MS = 2_000
const WAIT_POLL_MS = 200
// What is left of Heroku's 30 seconds, and of the 10 promised, after the runs were told to stop.
const DRAIN_MS = 5_000
// A token that Intuit is just renewing is worth waiting for, because the old one may be spent; its time limit of 10
// seconds is more than there is.
const LAST_ANSWERS_MS = 3_000

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
    await claimDataFolder(config, ending)
    const port = config.roles.has('web') ? await listen(server, config.port) : null
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
    await awaitRelease(config, database, starting, stopping.signal)
    await forgetSettingsPause(database.knex)
    await startQueue(boss, starting, { production: config.production, stop: stopping.signal })
    ending.push(() => drain(boss, quickbooks))
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
    // Nothing but health is answered before: a request could neither be read from a schema that is not there yet nor
    // be queued.
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
      await closeServer(server)
      for (const end of ending.reverse()) {
        await Promise.resolve(end()).catch((error: unknown) => log.error('not ended cleanly', { error }))
      }
    })()
    return stopped
  }

  return { http: server, start, stop }
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

/** Lets the jobs end, which were told to. What still waits for Intuit is cut off in time for its run to be closed. */
async function drain(boss: PgBoss, quickbooks: QuickBooks): Promise<void> {
  const cut = setTimeout(() => quickbooks.close(), LAST_ANSWERS_MS)
  await boss.stop({ graceful: true, timeout: DRAIN_MS })
  clearTimeout(cut)
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
    const refuse = (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE' ? new Error(`Port ${port} is in use: set PORT to another one`) : error,
      )
    server.once('error', refuse)
    server.listen(port, () => {
      server.off('error', refuse)
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
