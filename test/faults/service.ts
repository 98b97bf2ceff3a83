import { PassThrough } from 'node:stream'
import type { JobWithMetadata } from 'pg-boss'
import { toConfig } from '../../src/config.ts'
import { createAccessTokens, type AccessTokens } from '../../src/connections/access-tokens.ts'
import { forgetSettingsPause, readCallsPause, type CallsPause } from '../../src/connections/service-state.ts'
import { createTokenCipher } from '../../src/connections/token-cipher.ts'
import { connectionOf } from '../../src/db/connect.ts'
import type { Tx } from '../../src/db/database.ts'
import { createBoss } from '../../src/jobs/boss.ts'
import { enqueueSyncs } from '../../src/jobs/enqueue.ts'
import { performSync } from '../../src/jobs/perform-sync.ts'
import { ensureQueues, SYNC_QUEUE, type SyncJob } from '../../src/jobs/queues.ts'
import { tick } from '../../src/jobs/tick.ts'
import { createLog } from '../../src/log.ts'
import type { SyncMetrics } from '../../src/metrics/sync-metrics.ts'
import type { Environment } from '../../src/models/connection.ts'
import { operations } from '../../src/operations.ts'
import { createQuickBooks, type QuickBooks, type QuickBooksOptions } from '../../src/quickbooks/quickbooks.ts'
import { readSyncMetrics } from '../../src/sync/read-metrics.ts'
import { runCompany } from '../../src/sync/run-company.ts'
import { INTERVAL_SECONDS, startMirror, type TestMirror } from '../setup/mirror.ts'

/** What a deploy may change. */
export interface Settings {
  readonly clientSecret: string
  readonly environment: Environment
  readonly monthlyCallBudget: number | null
}

/** The chain of the real service, tick, queue and worker, on a clock that only a test moves. */
export interface Service {
  readonly mirror: TestMirror
  /** What an operator can do. */
  readonly operate: ReturnType<typeof operations>
  /** Ends the process and starts another one with these settings, or with the right ones. */
  deploy(settings?: Partial<Settings>): Promise<void>
  /** Sends the calls of one company another way; null puts it back. */
  reroute(realmId: string, way: Partial<QuickBooksOptions> | null): void
  /** What happens once a minute: one tick, and every job that is queued, one after the other. */
  beat(): Promise<void>
  /** Every job that is queued now. */
  work(): Promise<void>
  /** The pause of all calls that `/readyz` looks at. */
  pause(): Promise<CallsPause | null>
  metrics(): Promise<SyncMetrics>
  close(): Promise<void>
}

/** A way to Intuit, with the tokens that are renewed on it. */
interface Way {
  readonly quickbooks: QuickBooks
  readonly tokens: AccessTokens
}

const RIGHT: Settings = {
  clientSecret: 'test-app-secret',
  environment: 'simulator',
  monthlyCallBudget: null,
}
const NEVER = new AbortController().signal
const JOBS_AT_ONCE = 100

export async function startService(): Promise<Service> {
  // Failures are what is wanted here: hundreds of them would bury the report of the tests.
  const log = createLog({
    level: 'error',
    format: 'pretty',
    secrets: () => [],
    stream: new PassThrough().resume(),
  })
  const mirror = await startMirror({ companies: [], log })
  const { database, sandbox } = mirror
  const cipher = createTokenCipher([{ id: 'test', key: Buffer.alloc(32, 7) }])
  const boss = createBoss({
    connection: connectionOf(mirror.url, 'off'),
    applicationName: 'test',
    schedules: false,
    works: false,
    migrates: true,
    log,
  })
  await boss.start()
  await ensureQueues(boss)
  const enqueue = (tx: Tx, realmIds: readonly string[]) => enqueueSyncs(boss, tx, realmIds)

  let settings = RIGHT
  const opened: QuickBooks[] = []
  const openWay = (changed: Partial<QuickBooksOptions> = {}): Way => {
    const quickbooks = createQuickBooks({
      apiBaseUrl: sandbox.apiBaseUrl,
      tokenUrl: sandbox.tokenUrl,
      revokeUrl: sandbox.revokeUrl,
      clientId: 'test-app',
      clientSecret: settings.clientSecret,
      callTimeoutMs: 20_000,
      tokenTimeoutMs: 20_000,
      now: () => mirror.clock.now().getTime(),
      ...changed,
    })
    opened.push(quickbooks)
    const tokens = createAccessTokens({
      database,
      cipher,
      environment: settings.environment,
      refreshTokens: (refreshToken, onCall) => quickbooks.refreshTokens(refreshToken, onCall),
      log: mirror.options.log,
    })
    return { quickbooks, tokens }
  }
  let highway = openWay()
  const detours = new Map<string, Way>()

  const sync: TestMirror['options'] = {
    ...mirror.options,
    openReader(access) {
      const { quickbooks, tokens } = detours.get(access.realmId) ?? highway
      return quickbooks.company({
        ...access,
        accessToken: () => tokens.get(access.realmId, access),
        renewAccessToken: (stale) => tokens.renew(access.realmId, stale, access),
      })
    },
  }
  const run = (realmId: string, stop: AbortSignal) => runCompany(sync, realmId, stop)

  const perform = async ({ id, data, retryCount, retryLimit }: JobWithMetadata<SyncJob>) => {
    const attempt = { realmId: data.realmId, last: retryCount >= retryLimit, stop: NEVER }
    try {
      await performSync({ database, intervalSeconds: INTERVAL_SECONDS, run, log: sync.log }, attempt)
      await boss.complete(SYNC_QUEUE, id)
    } catch (error) {
      await boss.fail(SYNC_QUEUE, id, { message: error instanceof Error ? error.message : String(error) })
    }
  }
  const work = async () => {
    for (;;) {
      const jobs = await boss.fetch<SyncJob>(SYNC_QUEUE, { includeMetadata: true, batchSize: JOBS_AT_ONCE })
      if (jobs.length === 0) return
      for (const job of jobs.toSorted((a, b) => a.data.realmId.localeCompare(b.data.realmId))) {
        await perform(job)
      }
    }
  }

  return {
    mirror,
    operate: operations({
      config: toConfig({}),
      log: sync.log,
      stop: new AbortController().signal,
      database,
      cipher,
      enqueue,
      quickbooks: {
        company: (access) => highway.quickbooks.company(access),
        refreshTokens: (...asked) => highway.quickbooks.refreshTokens(...asked),
        revokeToken: (...asked) => highway.quickbooks.revokeToken(...asked),
        close: () => highway.quickbooks.close(),
      },
    }),
    async deploy(changed = {}) {
      settings = { ...RIGHT, ...changed }
      highway.quickbooks.close()
      highway = openWay()
      await forgetSettingsPause(database.knex, mirror.clock.now())
    },
    reroute(realmId, way) {
      if (way) detours.set(realmId, openWay(way))
      else detours.delete(realmId)
    },
    async beat() {
      // The queue has its own clock, Postgres'; its longest wait between two tries is a minute.
      await mirror.rows(`UPDATE pgboss.job SET start_after = now() WHERE state = 'retry'`)
      const { monthlyCallBudget } = settings
      await tick({ database, enqueue, intervalSeconds: INTERVAL_SECONDS, monthlyCallBudget })
      await work()
    },
    work,
    pause: () => readCallsPause(database.knex, mirror.clock.now()),
    metrics: () => readSyncMetrics(database, { perCompany: true, intervalSeconds: 900 }),
    async close() {
      for (const quickbooks of opened) quickbooks.close()
      await boss.stop({ graceful: false })
      await mirror.close()
    },
  }
}
