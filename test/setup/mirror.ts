import { createLog, type Logger } from '../../src/log.ts'
import { createAccessTokens, type Asker, type OnCall } from '../../src/connections/access-tokens.ts'
import { registerCompany } from '../../src/connections/register-company.ts'
import { requestSync } from '../../src/connections/request-sync.ts'
import { seedCompanies } from '../../src/connections/seed-companies.ts'
import { createTokenCipher } from '../../src/connections/token-cipher.ts'
import { Connection } from '../../src/models/connection.ts'
import { recordCalls } from '../../src/sync/record-calls.ts'
import type { Clock } from '../../src/db/clock.ts'
import { connect } from '../../src/db/connect.ts'
import { createDatabase, rowsOf, type Database } from '../../src/db/database.ts'
import {
  wholeReport,
  type KeptReport,
  type Mode,
  type RunReport,
  type Trigger,
} from '../../src/domain/sync-run.ts'
import { createQuickBooks, type CompanyReader, type TokenSet } from '../../src/quickbooks/quickbooks.ts'
import { startSandbox, type CompanySpec, type Sandbox } from '../../src/sandbox/sandbox.ts'
import {
  runCompany,
  type ReaderAccess,
  type RunOutcome,
  type SyncOptions,
} from '../../src/sync/run-company.ts'
import { createTestClock, type TestClock } from './clock.ts'
import { createTestDatabase } from './test-database.ts'
import { BY_TEST } from './doer.ts'

export const REALM = '4620816300000000101'
export const OTHER_REALM = '4620816300000000102'
export const INTERVAL_SECONDS = 900

/** A mirror of simulated companies without HTTP and queue: what the rooms up to `sync` do together. */
export interface TestMirror {
  readonly clock: TestClock
  readonly database: Database
  /** Of the database, for what connects to it by itself. */
  readonly url: string
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
  /** Another process on the same database, with what one process does not share with another. */
  startProcess(settings: ProcessSettings): TestProcess
  /** Registers a company again with the refresh token that Intuit holds good now, as an operator would. */
  newTokens(realmId: string): Promise<void>
  /** The refresh token that the database holds of a company. */
  heldRefreshToken(realmId: string): Promise<string | null>
  ask(realmId?: string, request?: { mode?: Mode; trigger?: Trigger }): Promise<number>
  rows<Row = Record<string, unknown>>(sql: string, bindings?: Record<string, string | number>): Promise<Row[]>
  close(): Promise<void>
}

export interface ProcessSettings {
  /** How the process reaches the database. */
  readonly database?: Database
  readonly callTimeoutMs?: number
  readonly tokenTimeoutMs?: number
  /** Stands around every refresh of tokens, to see it or to stop it. */
  readonly wrapRefresh?: (refresh: () => Promise<TokenSet>) => Promise<TokenSet>
  /** Stands between a run and its reader, to stop or spoil a call. */
  readonly wrapReader?: (reader: CompanyReader, access: ReaderAccess) => CompanyReader
}

export interface TestProcess {
  readonly options: SyncOptions
  accessToken(realmId: string, onCall?: OnCall): Promise<string>
  refreshTokens(refreshToken: string, onCall: OnCall): Promise<TokenSet>
  /** Reads the company's own record, which proves an access token. */
  tryAccess(realmId: string, accessToken: string, onCall: OnCall): Promise<{ readonly name: string }>
  close(): void
}

export interface MirrorSettings extends Omit<ProcessSettings, 'database'> {
  readonly companies?: readonly CompanySpec[]
  readonly startAt?: string
  /** Whether the time that a run waits for its turn passes by the clock too. */
  readonly sleepMoves?: boolean
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

/** Who asks for a token outside any run and waits for no turn. */
export function askerAtOnce(onCall: OnCall): Asker {
  return { onCall, inTurn: (call) => call(), onConnection: () => undefined }
}

export async function startMirror(settings: MirrorSettings = {}): Promise<TestMirror> {
  const clock = createTestClock(settings.startAt, settings.sleepMoves)
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
  const log = settings.log ?? createLog({ level: 'error', format: 'pretty', secrets: () => [] })
  const startProcess = ({
    wrapReader = (reader) => reader,
    wrapRefresh = (refresh) => refresh(),
    ...own
  }: ProcessSettings): TestProcess => {
    const quickbooks = createQuickBooks({
      apiBaseUrl: sandbox.apiBaseUrl,
      tokenUrl: sandbox.tokenUrl,
      revokeUrl: sandbox.revokeUrl,
      ...credentials,
      callTimeoutMs: own.callTimeoutMs ?? 20_000,
      tokenTimeoutMs: own.tokenTimeoutMs ?? 5_000,
      now: () => ourClock.now().getTime(),
    })
    const refreshTokens = (refreshToken: string, onCall: OnCall) =>
      wrapRefresh(() => quickbooks.refreshTokens(refreshToken, onCall))
    const tokens = createAccessTokens({
      database: own.database ?? database,
      cipher,
      environment: 'simulator',
      refreshTokens,
      log,
    })
    return {
      refreshTokens,
      tryAccess: (realmId, accessToken, onCall) =>
        quickbooks
          .company({
            realmId,
            homeCurrency: () => null,
            accessToken: () => Promise.resolve(accessToken),
            renewAccessToken: () => Promise.resolve(accessToken),
            onCall,
            inTurn: (call) => call(),
            signal: new AbortController().signal,
          })
          .companyInfo(),
      accessToken: (realmId, onCall = () => undefined) => tokens.get(realmId, askerAtOnce(onCall)),
      close: () => quickbooks.close(),
      options: {
        database: own.database ?? database,
        intervalSeconds: INTERVAL_SECONDS,
        random: () => 0.5,
        log,
        openReader(access) {
          const reader = quickbooks.company({
            ...access,
            accessToken: () => tokens.get(access.realmId, access),
            renewAccessToken: (stale) => tokens.renew(access.realmId, stale, access),
          })
          return wrapReader(reader, access)
        },
      },
    }
  }
  const process = startProcess(settings)
  const { options } = process
  await seedCompanies({ database, cipher, environment: 'simulator' }, sandbox.companies())

  const mirror: TestMirror = {
    clock,
    database,
    url,
    sandbox,
    options,
    run: (realmId = REALM, stop = new AbortController().signal) => runCompany(options, realmId, stop),
    async ask(realmId = REALM, { mode = 'incremental', trigger = 'manual' } = {}) {
      const asked = await database.transaction((tx) => requestSync(tx, [realmId], { mode, trigger }))
      return asked.get(realmId)!
    },
    accessToken: (realmId) => process.accessToken(realmId),
    startProcess,
    async newTokens(realmId) {
      const refreshToken = sandbox.companies().find((one) => one.realmId === realmId)!.refreshToken
      await registerCompany(
        {
          database,
          cipher,
          environment: 'simulator',
          refreshTokens: process.refreshTokens,
          tryAccess: process.tryAccess,
          enqueue: () => Promise.resolve(),
          recordCalls,
          log,
        },
        { realmId, refreshToken, accessToken: null, accessTokenExpiresAt: null, name: null },
        BY_TEST,
      )
    },
    async heldRefreshToken(realmId) {
      const connection = await Connection.query(knex).findById(realmId)
      return connection?.refreshTokenCiphertext
        ? cipher.decrypt(realmId, connection.refreshTokenCiphertext)
        : null
    },
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
      process.close()
      await knex.destroy()
      await sandbox.stop()
      await drop()
    },
  }
  return mirror
}

/** The report of the newest run of a company. */
export async function lastReport(mirror: TestMirror, realmId = REALM): Promise<Required<RunReport>> {
  const [run] = await mirror.rows<{ entities: KeptReport }>(
    'SELECT entities FROM sync_runs WHERE realm_id = :realmId ORDER BY id DESC LIMIT 1',
    { realmId },
  )
  return wholeReport(run!.entities) as Required<RunReport>
}
