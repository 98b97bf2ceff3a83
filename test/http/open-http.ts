import { Writable } from 'node:stream'
import type { Express } from 'express'
import type { Knex } from 'knex'
import pg from 'pg'
import request, { type Test } from 'supertest'
import { disconnectCompany, pauseCompany, resumeCompany } from '../../src/connections/change-status.ts'
import { registerCompany } from '../../src/connections/register-company.ts'
import { requestSync } from '../../src/connections/request-sync.ts'
import { createTokenCipher } from '../../src/connections/token-cipher.ts'
import { connect } from '../../src/db/connect.ts'
import { createDatabase, type Database, type Tx } from '../../src/db/database.ts'
import { LedgerError } from '../../src/domain/ledger-error.ts'
import { createHttp } from '../../src/http/http.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { recordCalls } from '../../src/sync/record-calls.ts'
import { readSyncMetrics } from '../../src/sync/read-metrics.ts'
import { createTestDatabase } from '../setup/test-database.ts'
import { NOW, secondsBefore } from './rows.ts'

export const ADMIN_TOKEN = 'the-admin-token'

/** What Intuit says to tokens in these tests: whatever is put here is thrown or awaited. */
export interface Intuit {
  refresh: () => Promise<void>
  tryAccess: () => Promise<void>
  revoke: () => Promise<void>
}

export interface Statement {
  readonly sql: string
  readonly bindings: unknown[]
}

export interface OpenHttp {
  readonly app: Express
  readonly knex: Knex
  readonly database: Database
  readonly options: HttpOptions
  readonly intuit: Intuit
  /** Companies for which a job was queued, in order. */
  readonly queued: string[]
  /** Every line of the log. */
  readonly logLines: Record<string, unknown>[]
  /** Statements as they were sent, each with its values. */
  readonly statements: Statement[]
  /** How Postgres would go about a statement. */
  explain(statement: Statement): Promise<string>
  /** A request with the admin's token. */
  send(method: 'get' | 'post' | 'put' | 'delete' | 'patch', path: string): Test
  close(): Promise<void>
}

/** The HTTP room on a database of its own; only Intuit and the queue behind it are missing. */
export async function openHttp(overrides: Partial<HttpOptions> = {}): Promise<OpenHttp> {
  const testDatabase = await createTestDatabase()
  const knex = connect({
    url: testDatabase.url,
    tls: 'off',
    poolMax: 5,
    applicationName: 'test',
    statementTimeoutMs: 20_000,
  })
  const database = createDatabase(knex, { now: () => NOW })
  const queued: string[] = []
  const logLines: Record<string, unknown>[] = []
  const statements: Statement[] = []
  knex.on('query', ({ sql, bindings }: { sql: string; bindings?: unknown[] }) =>
    statements.push({ sql, bindings: bindings ?? [] }),
  )
  const intuit: Intuit = {
    refresh: () => Promise.resolve(),
    tryAccess: () => Promise.resolve(),
    revoke: () => Promise.resolve(),
  }
  const options: HttpOptions = {
    database,
    adminToken: ADMIN_TOKEN,
    metricsToken: null,
    log: createLog({ level: 'debug', format: 'json', secrets: () => [], stream: linesInto(logLines) }),
    readiness: () => Promise.resolve([]),
    metrics: createMetrics({
      perCompany: true,
      version: 'test',
      readSync: () => readSyncMetrics(database, { perCompany: true }),
      readQueues: () => Promise.resolve([]),
      collectorTimeoutMs: 20_000,
    }),
    intervalSeconds: 900,
    waitPollMs: 5,
    stop: new AbortController().signal,
    ...operations(database, intuit, queued),
    ...overrides,
  }
  const app = createHttp(options)
  return {
    app,
    knex,
    database,
    options,
    intuit,
    queued,
    logLines,
    statements,
    explain: (statement) => explain(testDatabase.url, statement),
    send: (method, path) => request(app)[method](path).set('Authorization', `Bearer ${ADMIN_TOKEN}`),
    async close() {
      await knex.destroy()
      await testDatabase.drop()
    },
  }
}

async function explain(url: string, { sql, bindings }: Statement): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, bindings)
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  } finally {
    await client.end()
  }
}

/** The real operations, between a queue that only notes and an Intuit that only answers. */
function operations(database: Database, intuit: Intuit, queued: string[]) {
  const cipher = createTokenCipher([{ id: 'k1', key: Buffer.alloc(32, 7) }])
  const enqueue = (_tx: Tx, realmIds: readonly string[]) => {
    queued.push(...realmIds)
    return Promise.resolve()
  }
  const call = { status: '200', durationMs: 1, metered: false, intuitTid: null }
  return {
    registerCompany: (registration: Parameters<typeof registerCompany>[1]) =>
      registerCompany(
        {
          database,
          cipher,
          environment: 'simulator',
          enqueue,
          recordCalls,
          refreshTokens: async (refreshToken, onCall) => {
            onCall({ ...call, operation: 'refresh' })
            await intuit.refresh()
            return {
              accessToken: 'access-1',
              accessTokenExpiresAt: secondsBefore(-3600),
              refreshToken,
              refreshTokenExpiresAt: secondsBefore(-8_000_000),
            }
          },
          tryAccess: async (_realmId, _token, onCall) => {
            onCall({ ...call, operation: 'company_info', metered: true })
            await intuit.tryAccess()
            return { name: 'Name at Intuit' }
          },
        },
        registration,
      ),
    pauseCompany: (realmId: string) => pauseCompany(database, realmId),
    resumeCompany: (realmId: string) => resumeCompany(database, enqueue, realmId),
    disconnectCompany: (realmId: string) =>
      disconnectCompany({ database, cipher, recordCalls, revokeToken: () => intuit.revoke() }, realmId),
    requestSync: (realmIds: readonly string[] | 'all', { mode }: { mode: 'incremental' | 'full' }) =>
      database.transaction(async (tx) => {
        const all = await tx.trx('companies').where({ status: 'active' }).pluck<string[]>('realm_id')
        const asked = await requestSync(tx, realmIds === 'all' ? all : realmIds, { mode, trigger: 'manual' })
        await enqueue(tx, [...asked.keys()])
        return asked
      }),
  }
}

export function refusal(code: LedgerError['code'], message: string, details: LedgerError['details'] = {}) {
  return () => Promise.reject(new LedgerError(code, message, { details }))
}

function linesInto(lines: Record<string, unknown>[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>)
      done()
    },
  })
}
