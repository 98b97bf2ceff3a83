import { createLog, type Logger } from '../../src/log.ts'
import { createAccessTokens } from '../../src/connections/access-tokens.ts'
import { requestSync } from '../../src/connections/request-sync.ts'
import { seedCompanies } from '../../src/connections/seed-companies.ts'
import { createTokenCipher } from '../../src/connections/token-cipher.ts'
import type { Clock } from '../../src/db/clock.ts'
import { connect } from '../../src/db/connect.ts'
import { createDatabase, rowsOf, type Database } from '../../src/db/database.ts'
import type { Mode, RunReport, Trigger } from '../../src/domain/sync-run.ts'
import { createQuickBooks, type CompanyReader } from '../../src/quickbooks/quickbooks.ts'
import { startSandbox, type CompanySpec, type Sandbox } from '../../src/sandbox/sandbox.ts'
import {
  runCompany,
  type ReaderAccess,
  type RunOutcome,
  type SyncOptions,
} from '../../src/sync/run-company.ts'
import { createTestClock, type TestClock } from './clock.ts'
import { createTestDatabase } from './test-database.ts'

export const REALM = '4620816300000000101'
export const OTHER_REALM = '4620816300000000102'
export const INTERVAL_SECONDS = 900

/** A mirror of simulated companies without HTTP and queue: what the rooms up to `sync` do together. */
export interface TestMirror {
  readonly clock: TestClock
  readonly database: Database
  readonly sandbox: Sandbox
  readonly options: SyncOptions
  /** Asks for a sync of a company and runs it; the clock moves on by a minute first. */
  sync(realmId?: string, request?: { mode?: Mode; trigger?: Trigger }): Promise<RunOutcome>
  /** Runs a company as a job would, without asking. */
  run(realmId?: string, stop?: AbortSignal): Promise<RunOutcome>
  /** Another company, registered but not synced yet. */
  addCompany(spec: CompanySpec): Promise<void>
  /** An access token of a company, as a run gets it. */
  accessToken(realmId: string): Promise<string>
  ask(realmId?: string, request?: { mode?: Mode; trigger?: Trigger }): Promise<number>
  rows<Row = Record<string, unknown>>(sql: string, bindings?: Record<string, string | number>): Promise<Row[]>
  close(): Promise<void>
}

export interface MirrorSettings {
  readonly companies?: readonly CompanySpec[]
  readonly callTimeoutMs?: number
  readonly tokenTimeoutMs?: number
  /** Stands between a run and its reader, to stop or spoil a call. */
  readonly wrapReader?: (reader: CompanyReader, access: ReaderAccess) => CompanyReader
  readonly startAt?: string
  /** Our own clock, where it is to differ from QuickBooks'. */
  readonly ourClock?: Clock
  readonly log?: Logger
}

export function company(spec: Partial<CompanySpec> = {}): CompanySpec {
  return {
    realmId: REALM,
    name: 'Juniper Instruments',
    records: 40,
    homeCurrency: 'USD',
    multiCurrency: false,
    country: 'USA',
    lively: true,
    ...spec,
  }
}

export async function startMirror(settings: MirrorSettings = {}): Promise<TestMirror> {
  const clock = createTestClock(settings.startAt)
  const companies = settings.companies ?? [company()]
  const credentials = { clientId: 'test-app', clientSecret: 'test-app-secret' }
  const sandbox = await startSandbox({
    port: 0,
    directory: null,
    now: () => clock.now().getTime(),
    seed: 7,
    companies: [...companies],
    ...credentials,
    activityIntervalMs: null,
  })
  const { url, drop } = await createTestDatabase()
  const knex = connect({ url, tls: 'off', poolMax: 6, applicationName: 'test', statementTimeoutMs: 20_000 })
  const ourClock = settings.ourClock ?? clock
  const database = createDatabase(knex, ourClock)
  const cipher = createTokenCipher([{ id: 'test', key: Buffer.alloc(32, 7) }])
  const quickbooks = createQuickBooks({
    apiBaseUrl: sandbox.apiBaseUrl,
    tokenUrl: sandbox.tokenUrl,
    revokeUrl: sandbox.revokeUrl,
    ...credentials,
    callTimeoutMs: settings.callTimeoutMs ?? 20_000,
    tokenTimeoutMs: settings.tokenTimeoutMs ?? 5_000,
    now: () => ourClock.now().getTime(),
  })
  const tokens = createAccessTokens({
    database,
    cipher,
    environment: 'simulator',
    refreshTokens: (refreshToken, onCall) => quickbooks.refreshTokens(refreshToken, onCall),
  })
  const options: SyncOptions = {
    database,
    intervalSeconds: INTERVAL_SECONDS,
    random: () => 0.5,
    log: settings.log ?? createLog({ level: 'error', format: 'pretty', secrets: () => [] }),
    openReader(access) {
      const reader = quickbooks.company({
        ...access,
        accessToken: () => tokens.get(access.realmId, access.onCall),
        renewAccessToken: (stale) => tokens.renew(access.realmId, stale, access.onCall),
      })
      return settings.wrapReader?.(reader, access) ?? reader
    },
  }
  await seedCompanies({ database, cipher, environment: 'simulator' }, sandbox.companies())

  const mirror: TestMirror = {
    clock,
    database,
    sandbox,
    options,
    run: (realmId = REALM, stop = new AbortController().signal) => runCompany(options, realmId, stop),
    async ask(realmId = REALM, { mode = 'incremental', trigger = 'manual' } = {}) {
      const asked = await database.transaction((tx) => requestSync(tx, [realmId], { mode, trigger }))
      return asked.get(realmId)!
    },
    accessToken: (realmId) => tokens.get(realmId, () => undefined),
    async addCompany(spec) {
      sandbox.addCompany(spec)
      const added = sandbox.companies().filter(({ realmId }) => realmId === spec.realmId)
      await seedCompanies({ database, cipher, environment: 'simulator' }, added)
    },
    async sync(realmId = REALM, request = {}) {
      clock.move({ minutes: 1 })
      await mirror.ask(realmId, request)
      return mirror.run(realmId)
    },
    rows: (sql, bindings = {}) => rowsOf(database.knex, sql, bindings),
    async close() {
      quickbooks.close()
      await knex.destroy()
      await sandbox.stop()
      await drop()
    },
  }
  return mirror
}

/** The report of the newest run of a company. */
export async function lastReport(mirror: TestMirror, realmId = REALM): Promise<Required<RunReport>> {
  const [run] = await mirror.rows<{ entities: Required<RunReport> }>(
    'SELECT entities FROM sync_runs WHERE realm_id = :realmId ORDER BY id DESC LIMIT 1',
    { realmId },
  )
  return run!.entities
}
