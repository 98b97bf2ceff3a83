import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Express } from 'express'
import type { PgBoss } from 'pg-boss'
import type { Config } from './config.ts'
import { seedCompanies } from './connections/seed-companies.ts'
import { forgetSettingsPause } from './connections/service-state.ts'
import { createTokenCipher } from './connections/token-cipher.ts'
import { addConsole } from './console/console.ts'
import { systemClock, type Clock } from './db/clock.ts'
import { connectionOf } from './db/connect.ts'
import type { Database, Tx } from './db/database.ts'
import { migrateToLatest } from './db/migrate.ts'
import { whyPostgresAway } from './db/postgres-away.ts'
import { createPostgresWatch, type PostgresWatch } from './db/postgres-watch.ts'
import { requireSuitableDatabase } from './db/suitable-database.ts'
import { applicationName, claimDataFolder, layGround } from './ground.ts'
import { closeServer, createHttp, openServer } from './http/http.ts'
import { answerWhileStarting } from './http/server/starting.ts'
import { createBoss } from './jobs/boss.ts'
import { enqueueSyncs } from './jobs/enqueue.ts'
import { ensureQueues } from './jobs/queues.ts'
import { readQueues } from './jobs/read-queues.ts'
import { createLog, type Logger } from './log.ts'
import { createMetrics } from './metrics/metrics.ts'
import { operations, queueOperations } from './operations.ts'
import type { QuickBooks } from './quickbooks/quickbooks.ts'
import { createReadiness, missingForStart } from './readiness.ts'
import { startRoles, type RoleOptions } from './roles.ts'
import { readSyncMetrics } from './sync/read-metrics.ts'
import { findTokenKeys } from './token-keys.ts'
import { VERSION } from './version.ts'

export interface App {
  readonly http: Server
  /**
   * Binds the port at once where it answers HTTP, then makes everything ready. Resolves with what a person needs to try
   * it out.
   */
  start(): Promise<Started>
  /** Ends everything within 10 seconds; open runs are closed and requested again. Safe to repeat. */
  stop(): Promise<void>
}

export interface Started {
  /** Null in a process without the web role. */
  readonly port: number | null
  readonly adminToken: string
  /** Signs a browser in once; null in production. */
  readonly signInKey: string | null
  readonly databaseUrl: string
  /** Where the embedded cluster lives; null with an external database. */
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
// Probes themselves give up after a few seconds; the query takes milliseconds.
const READINESS_TIMEOUT_MS = 5_000
// How often a process waiting for its release's migrations checks again.
const RELEASE_POLL_MS = 2_000
const WAIT_POLL_MS = 200
// A page of 1,000 records takes about a second; looking more often would show the same.
const PROGRESS_POLL_MS = 1_000
// Nobody guesses it, and it still fits into a line of a terminal.
const SIGN_IN_KEY_BYTES = 18
// What is left of Heroku's 30 seconds, and of our promised 10, once the runs have been told to stop.
const DRAIN_MS = 5_000
// A renewal in progress is worth waiting for, because the old token may already be spent; its own limit of 10 seconds
// is more than we have.
const LAST_ANSWERS_MS = 3_000

/** The whole service, put together from its settings. The only place that knows every room. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  const clock = overrides.clock ?? systemClock()
  const random = overrides.random ?? Math.random
  const secrets: string[] = knownSecrets(config)
  let watch: PostgresWatch | null = null
  const log =
    overrides.log ??
    createLog({ ...config.log, secrets: () => secrets, isTold: (error) => watch?.saw(error) ?? false })
  const stopping = new AbortController()
  const ending: (() => Promise<unknown> | void)[] = []
  const starting = createStarting(log)

  let handle = answerWhileStarting(() => starting.missing, log)
  const server = openServer({ handle: (request, response) => handle(request, response), log })

  async function start(): Promise<Started> {
    await claimDataFolder(config, ending)
    const port = config.roles.has('web') ? await listen(server, config.port) : null
    const ground = await layGround(config, { clock, log, ending, secrets, port })
    const { database, quickbooks, adminToken } = ground
    const metrics = createMetrics({
      perCompany: config.metricsPerCompany,
      monthlyCallBudget: config.quickbooks.monthlyCallBudget,
      version: VERSION,
      collectorTimeoutMs: COLLECTOR_TIMEOUT_MS,
      isTold: (error) => watch?.saw(error) ?? false,
      log,
      readSync: () =>
        readSyncMetrics(database, {
          perCompany: config.metricsPerCompany,
          intervalSeconds: config.syncIntervalSeconds,
        }),
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
    const readiness = createReadiness({
      database,
      starting: () => starting.missing,
      onRefused: (error) => watch?.saw(error),
      timeoutMs: READINESS_TIMEOUT_MS,
    })
    const patiently = createPatience(config, starting, stopping.signal)
    await patiently(() => requireSuitableDatabase(database.knex))
    await awaitRelease(config, database, starting, stopping.signal)
    const keys = await patiently(() =>
      findTokenKeys({
        configured: config.encryptionKeys,
        dataDirectory: config.dataDirectory,
        knex: database.knex,
        log,
      }),
    )
    secrets.push(...keys.map(({ key }) => key.toString('base64')))
    const cipher = createTokenCipher(keys)
    await patiently(() => forgetSettingsPause(database.knex, clock.now()))
    await startQueue(boss, starting, { production: config.production, stop: stopping.signal })
    // Until here the start tells itself what it waits for.
    watch = createPostgresWatch({
      ping: () => database.knex.raw('SELECT 1'),
      log,
      elapsedMs: () => clock.elapsedMs(),
    })
    ending.push(() => watch?.close())
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
      patiently,
    })
    const signInKey = config.production ? null : randomBytes(SIGN_IN_KEY_BYTES).toString('base64url')
    // Until then only health is answered: without the schema a request could be neither read nor queued.
    if (config.roles.has('web') && !stopping.signal.aborted) {
      const operated = operations({
        ...{ config, database, cipher, quickbooks, enqueue, log },
        stop: stopping.signal,
      })
      const options = {
        database,
        adminToken,
        version: VERSION,
        readToken: config.readToken,
        metricsToken: config.metricsToken,
        webhookVerifierToken: ground.webhookVerifierToken,
        log,
        readiness,
        metrics,
        intervalSeconds: config.syncIntervalSeconds,
        waitPollMs: WAIT_POLL_MS,
        stop: stopping.signal,
        ...operated,
        ...queueOperations(boss, database, operated.requestSync),
      }
      const addPages = (http: Express) =>
        addConsole(http, { ...options, signInKey, progressPollMs: PROGRESS_POLL_MS })
      handle = createHttp({ ...options, addPages })
    }
    if (!stopping.signal.aborted) starting.missing = []
    log.info('started', { port, roles: [...config.roles], version: VERSION })
    const { databaseUrl, clusterDirectory, simulatorUrl } = ground
    return { port, adminToken, signInKey, databaseUrl, clusterDirectory, simulatorUrl }
  }

  let stopped: Promise<void> | null = null
  function stop(): Promise<void> {
    stopped ??= (async () => {
      stopping.abort()
      starting.missing = [STOPPING]
      handle = answerWhileStarting(() => starting.missing, log)
      await closeServer(server, handle)
      for (const end of ending.reverse()) {
        await (async () => end())().catch((error: unknown) => log.error('not ended cleanly', { error }))
      }
    })()
    return stopped
  }

  return { http: server, start, stop }
}

/** What a starting process is waiting for. */
interface Starting {
  missing: readonly string[]
  /** Sets what the start is waiting for, and logs why, once per reason. */
  waitFor(missing: readonly string[], error?: unknown): void
}

const STARTING = 'the service is starting'
const STOPPING = 'the service is stopping'

function createStarting(log: Logger): Starting {
  const starting: Starting = {
    missing: [STARTING],
    waitFor(missing, error) {
      if (missing.join() !== starting.missing.join()) log.warn('the start waits', { missing, error })
      starting.missing = missing
    },
  }
  return starting
}

/** In production a release migrates before the new processes take over; elsewhere the start does it itself. */
async function awaitRelease(
  config: Config,
  database: Database,
  starting: Starting,
  stop: AbortSignal,
): Promise<void> {
  if (!config.production) return migrateToLatest(database.knex)
  for (;;) {
    const missing = await missingForStart(database)
    if (missing.length === 0) return
    starting.waitFor(missing)
    await wait(RELEASE_POLL_MS, undefined, { signal: stop })
  }
}

/**
 * Repeats a step of the start while Postgres is away: in production that can happen at any moment, and a process that
 * exited would be one more thing to look after. Steps must be safe to repeat: one may have run partway.
 */
function createPatience(config: Config, starting: Starting, stop: AbortSignal): RoleOptions['patiently'] {
  return async (step) => {
    for (;;) {
      try {
        const result = await step()
        starting.missing = [STARTING]
        return result
      } catch (error) {
        const away = whyPostgresAway(error)
        if (!config.production || away === null) throw error
        starting.waitFor([away], error)
        await wait(RELEASE_POLL_MS, undefined, { signal: stop })
      }
    }
  }
}

async function startQueue(
  boss: PgBoss,
  starting: Starting,
  { production, stop }: { production: boolean; stop: AbortSignal },
): Promise<void> {
  for (;;) {
    try {
      await boss.start()
      return await ensureQueues(boss)
    } catch (error) {
      if (!production) throw error
      starting.waitFor([whyPostgresAway(error) ?? 'pg-boss does not start: run npm run migrate'], error)
      await wait(RELEASE_POLL_MS, undefined, { signal: stop })
    }
  }
}

/** Waits for the jobs, already told to stop. Calls still waiting for Intuit are cut off in time to close their runs. */
async function drain(boss: PgBoss, quickbooks: QuickBooks): Promise<void> {
  const cut = setTimeout(() => quickbooks.close(), LAST_ANSWERS_MS)
  await boss.stop({ graceful: true, timeout: DRAIN_MS })
  clearTimeout(cut)
}

function knownSecrets(config: Config): string[] {
  return [
    config.adminToken,
    config.readToken,
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
