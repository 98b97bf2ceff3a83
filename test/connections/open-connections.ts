import type { Knex } from 'knex'
import { createAccessTokens, type OnCall } from '../../src/connections/access-tokens.ts'
import { seedCompanies } from '../../src/connections/seed-companies.ts'
import { createTokenCipher, type TokenCipher } from '../../src/connections/token-cipher.ts'
import type { TokenSet } from '../../src/connections/token-set.ts'
import { connect } from '../../src/db/connect.ts'
import { createDatabase, rowsOf, type Database, type Tx } from '../../src/db/database.ts'
import { createQuickBooks, type QuickBooks } from '../../src/quickbooks/quickbooks.ts'
import { startSandbox, type Call, type Sandbox } from '../../src/sandbox/sandbox.ts'
import { createTestClock, type TestClock } from '../setup/clock.ts'
import { askerAtOnce, company, REALM } from '../setup/mirror.ts'
import { keptLog, type KeptLog } from '../setup/kept-log.ts'
import { createTestDatabase } from '../setup/test-database.ts'

export type RefreshTokens = (refreshToken: string, onCall: OnCall) => Promise<TokenSet>

/** Access tokens without a pace. */
export interface UnpacedTokens {
  get(realmId: string, onCall: OnCall): Promise<string>
  renew(realmId: string, stale: string, onCall: OnCall): Promise<string>
}

/** Simulated companies and the permission to read them, without runs, queue and HTTP. */
export interface TestConnections {
  readonly clock: TestClock
  /** What was logged by services. */
  readonly logged: KeptLog['lines']
  readonly database: Database
  readonly cipher: TokenCipher
  readonly sandbox: Sandbox
  readonly quickbooks: QuickBooks
  /** The tokens as one more process would hold them, with connections of its own. */
  openService(refreshTokens?: RefreshTokens): UnpacedTokens
  /** A company of the simulator, unknown to the mirror. @returns its refresh token. */
  addCompany(realmId: string): string
  /** Puts companies of the simulator in place. */
  seed(): Promise<void>
  refreshToken(realmId?: string): string
  storedRefreshToken(realmId?: string): Promise<string | null>
  tokenCalls(realmId?: string): Call[]
  rows<Row = Record<string, unknown>>(sql: string, bindings?: Record<string, Knex.RawBinding>): Promise<Row[]>
  inTransaction<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

export async function openConnections(realmIds: readonly string[] = [REALM]): Promise<TestConnections> {
  const clock = createTestClock()
  const credentials = { clientId: 'test-app', clientSecret: 'test-app-secret' }
  const sandbox = await startSandbox({
    port: 0,
    directory: null,
    now: () => clock.now().getTime(),
    seed: 5,
    companies: realmIds.map((realmId) => company({ realmId, name: `Company ${realmId}`, records: 0 })),
    ...credentials,
    activityIntervalMs: null,
  })
  const { url, drop } = await createTestDatabase()
  const pools: Knex[] = []
  const openDatabase = () => {
    const knex = connect({ url, tls: 'off', poolMax: 4, applicationName: 'test', statementTimeoutMs: 20_000 })
    pools.push(knex)
    return createDatabase(knex, clock)
  }
  const database = openDatabase()
  const kept = keptLog()
  const cipher = createTokenCipher([{ id: 'test', key: Buffer.alloc(32, 7) }])
  const quickbooks = createQuickBooks({
    apiBaseUrl: sandbox.apiBaseUrl,
    tokenUrl: sandbox.tokenUrl,
    revokeUrl: sandbox.revokeUrl,
    ...credentials,
    callTimeoutMs: 20_000,
    tokenTimeoutMs: 20_000,
    now: () => clock.now().getTime(),
  })
  const refreshToken = (realmId = REALM) =>
    sandbox.companies().find((found) => found.realmId === realmId)!.refreshToken
  return {
    clock,
    logged: kept.lines,
    database,
    cipher,
    sandbox,
    quickbooks,
    openService(refreshTokens = (token, onCall) => quickbooks.refreshTokens(token, onCall)) {
      const tokens = createAccessTokens({
        database: openDatabase(),
        cipher,
        environment: 'simulator',
        refreshTokens,
        log: kept.log,
      })
      return {
        get: (realmId, onCall) => tokens.get(realmId, askerAtOnce(onCall)),
        renew: (realmId, stale, onCall) => tokens.renew(realmId, stale, askerAtOnce(onCall)),
      }
    },
    addCompany(realmId) {
      sandbox.addCompany(company({ realmId, name: `Company ${realmId}`, records: 0 }))
      return refreshToken(realmId)
    },
    seed: () => seedCompanies({ database, cipher, environment: 'simulator' }, sandbox.companies()),
    refreshToken,
    async storedRefreshToken(realmId = REALM) {
      const [row] = await rowsOf<{ ciphertext: string | null }>(
        database.knex,
        'SELECT refresh_token_ciphertext AS ciphertext FROM connections WHERE realm_id = :realmId',
        { realmId },
      )
      return row?.ciphertext ? cipher.decrypt(realmId, row.ciphertext) : null
    },
    tokenCalls: (realmId = REALM) =>
      sandbox.calls.list().filter((call) => call.operation === 'token' && call.realmId === realmId),
    rows: (sql, bindings = {}) => rowsOf(database.knex, sql, bindings),
    inTransaction: (work) => database.transaction(work),
    async close() {
      quickbooks.close()
      await Promise.all(pools.map((knex) => knex.destroy()))
      await sandbox.stop()
      await drop()
    },
  }
}
