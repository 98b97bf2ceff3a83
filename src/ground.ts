import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { Clock } from './db/clock.ts'
import { connect, type TlsMode } from './db/connect.ts'
import { createDatabase, type Database } from './db/database.ts'
import { lockDataFolder } from './db/data-folder-lock.ts'
import { startEmbeddedPostgres } from './db/embedded-postgres.ts'
import { BOSS_POOL_MAX } from './jobs/boss.ts'
import { keepLocalAdminToken, keepLocalVerifierToken } from './local-secrets.ts'
import type { Logger } from './log.ts'
import { createQuickBooks, type QuickBooks } from './quickbooks/quickbooks.ts'

export interface Ground {
  readonly database: Database
  readonly databaseUrl: string
  readonly tls: TlsMode
  readonly clusterDirectory: string | null
  readonly adminToken: string
  readonly quickbooks: QuickBooks
  /** What webhooks are signed with; null: none are taken. */
  readonly webhookVerifierToken: string | null
  readonly simulatorUrl: string | null
  readonly demoCompanies: { realmId: string; name: string; refreshToken: string }[] | null
}

export interface GroundOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly ending: (() => Promise<unknown> | void)[]
  readonly secrets: string[]
  /** Where this process listens; null: it has no web role. */
  readonly port: number | null
}

/**
 * Locks the data folder for this process if it holds a Postgres or a simulator; secrets may be shared.
 *
 * @throws Error naming the process that already uses it.
 */
export async function claimDataFolder(config: Config, ending: GroundOptions['ending']): Promise<void> {
  if (config.database && config.quickbooks.app) return
  const lock = await lockDataFolder(config.dataDirectory)
  ending.push(() => lock.release())
}

/** What everything else runs on: Postgres, Intuit or its simulator, the admin token. */
export async function layGround(config: Config, options: GroundOptions): Promise<Ground> {
  const { clock, log, ending, secrets } = options
  const adminToken = config.adminToken ?? (await keepLocalAdminToken(config.dataDirectory))
  secrets.push(adminToken)

  const intuit = await findIntuit(config, options)
  const quickbooks = createQuickBooks({
    ...intuit,
    callTimeoutMs: CALL_TIMEOUT_MS,
    tokenTimeoutMs: TOKEN_TIMEOUT_MS,
    now: () => clock.now().getTime(),
  })

  const postgres = await findPostgres(config, options)
  const knex = connect({
    url: postgres.url,
    tls: postgres.tls,
    poolMax: config.databasePoolMax + 2 - QUEUE_CONNECTIONS,
    applicationName: applicationName(config),
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  ending.push(() => knex.destroy())
  // Closed before the pool, which waits for transactions: one renewing a token waits for Intuit.
  ending.push(() => quickbooks.close())
  log.info('database found', { embedded: postgres.clusterDirectory !== null })
  return {
    database: createDatabase(knex, clock),
    databaseUrl: postgres.url,
    tls: postgres.tls,
    clusterDirectory: postgres.clusterDirectory,
    adminToken,
    quickbooks,
    webhookVerifierToken: intuit.webhookVerifierToken,
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

async function findIntuit(config: Config, { clock, ending, secrets, port }: GroundOptions) {
  const { app, apiBaseUrl, tokenUrl, revokeUrl } = config.quickbooks
  if (app) {
    const { webhookVerifierToken } = config.quickbooks
    return {
      ...app,
      apiBaseUrl,
      tokenUrl,
      revokeUrl,
      webhookVerifierToken,
      simulatorUrl: null,
      demoCompanies: null,
    }
  }
  // Loaded only here: a production process never loads the simulator.
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
  sandbox.faults.add({ kind: 'enforceLimits' })
  ending.push(() => sandbox.stop())
  const webhookVerifierToken =
    config.quickbooks.webhookVerifierToken ?? (await keepLocalVerifierToken(config.dataDirectory))
  secrets.push(webhookVerifierToken)
  if (port !== null) {
    sandbox.subscribe({
      url: `http://127.0.0.1:${port}/webhooks/quickbooks`,
      verifierToken: webhookVerifierToken,
    })
  }
  return {
    ...credentials,
    apiBaseUrl: sandbox.apiBaseUrl,
    tokenUrl: sandbox.tokenUrl,
    revokeUrl: sandbox.revokeUrl,
    webhookVerifierToken,
    simulatorUrl: sandbox.url,
    demoCompanies: sandbox.companies(),
  }
}

// Intuit itself ends a request at 120 s, and its answer should come before our timeout: one that takes over a minute
// may be the only one we get.
const CALL_TIMEOUT_MS = 125_000
// The one call during which a transaction is open.
const TOKEN_TIMEOUT_MS = 10_000
// Our statements take under a second; one that takes 20 is stuck, and its lease would lapse at 30.
const STATEMENT_TIMEOUT_MS = 20_000
// Connections come to DATABASE_POOL_MAX + 2: the queue's pool, its listener, and the rest for knex.
const QUEUE_CONNECTIONS = BOSS_POOL_MAX + 1
// A believable amount of activity for a demo: an action in each lively company every half minute.
const DEMO_ACTIVITY_MS = 30_000
const DEMO_SEED = 20_261_122

/** Our sessions' application_name in Postgres: at most 63 bytes. */
export function applicationName(config: Config): string {
  return `ledger-mirror ${[...config.roles].join('+')} ${hostname()}`.slice(0, 63)
}
