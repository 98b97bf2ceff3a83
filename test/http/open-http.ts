import { Writable } from 'node:stream'
import type { Express } from 'express'
import type { Knex } from 'knex'
import pg from 'pg'
import request, { type Test } from 'supertest'
import { disconnectCompany, pauseCompany, resumeCompany } from '../../src/connections/change-status.ts'
import { registerCompany } from '../../src/connections/register-company.ts'
import { confirmDisappearance } from '../../src/connections/confirm-disappearance.ts'
import type { Doer } from '../../src/connections/record-event.ts'
import { requestByWebhook } from '../../src/connections/request-by-webhook.ts'
import { requestByPerson } from '../../src/connections/request-by-person.ts'
import { createTokenCipher } from '../../src/connections/token-cipher.ts'
import { systemClock } from '../../src/db/clock.ts'
import { connect } from '../../src/db/connect.ts'
import { createDatabase, type Database, type Tx } from '../../src/db/database.ts'
import type { Entity } from '../../src/domain/entity.ts'
import type { ToldEvents } from '../../src/domain/webhook.ts'
import { LedgerError } from '../../src/domain/ledger-error.ts'
import { createHttp } from '../../src/http/http.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import type { DeadLetter } from '../../src/jobs/dead-letters.ts'
import type { QueueState } from '../../src/jobs/read-queue-state.ts'
import { redrive } from '../../src/jobs/redrive.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { recordCalls } from '../../src/sync/record-calls.ts'
import { readSyncMetrics } from '../../src/sync/read-metrics.ts'
import { createTestDatabase } from '../setup/test-database.ts'
import { checkAnswer } from './check-answer.ts'
import { NOW, secondsBefore } from './rows.ts'

export const ADMIN_TOKEN = 'the-admin-token'
export const VERIFIER_TOKEN = 'the-verifier-token-of-the-app'

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
  /** What the queue has given up. */
  readonly deadLetters: DeadLetter[]
  /** What the page of the queues is told. */
  readonly queueState: { -readonly [Part in keyof QueueState]: QueueState[Part] }
  /** Every line of the log. */
  readonly logLines: Record<string, unknown>[]
  /** Statements as they were sent, each with its values. */
  readonly statements: Statement[]
  /** How Postgres would go about a statement. */
  explain(statement: Statement): Promise<string>
  /** A request with the admin's token; its answer is held to what the reference says of it. */
  send(method: 'get' | 'post' | 'put' | 'delete' | 'patch', path: string): Test
  close(): Promise<void>
}

/** The HTTP room on a database of its own; only Intuit and the queue behind it are missing. */
export async function openHttp(
  overrides: Partial<HttpOptions> = {},
  /** Adds pages that are given the same as the API. */
  pagesOf: (options: HttpOptions) => HttpOptions['addPages'] = () => undefined,
): Promise<OpenHttp> {
  const testDatabase = await createTestDatabase()
  const knex = connect({
    url: testDatabase.url,
    tls: 'off',
    poolMax: 5,
    applicationName: 'test',
    statementTimeoutMs: 20_000,
  })
  const database = createDatabase(knex, { ...systemClock(), now: () => NOW })
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
  const log = createLog({ level: 'debug', format: 'json', secrets: () => [], stream: linesInto(logLines) })
  const deadLetters: DeadLetter[] = []
  const queueState: OpenHttp['queueState'] = { jobs: [], oldestWaiting: [], failures: [] }
  const asked = operations({ database, intuit, queued, log })
  const options: HttpOptions = {
    database,
    adminToken: ADMIN_TOKEN,
    version: 'test',
    readToken: null,
    metricsToken: null,
    webhookVerifierToken: VERIFIER_TOKEN,
    log,
    readiness: () => Promise.resolve([]),
    metrics: createMetrics({
      perCompany: true,
      monthlyCallBudget: null,
      version: 'test',
      readSync: () => readSyncMetrics(database, { perCompany: true, intervalSeconds: 900 }),
      readQueues: () => Promise.resolve([]),
      collectorTimeoutMs: 20_000,
      log,
    }),
    intervalSeconds: 900,
    waitPollMs: 5,
    stop: new AbortController().signal,
    ...asked,
    readDeadLetters: () => Promise.resolve([...deadLetters]),
    redriveDeadLetters: (ids, by) =>
      redrive(
        {
          read: () => Promise.resolve([...deadLetters]),
          remove: (gone) => {
            const kept = deadLetters.filter(({ id }) => !gone.includes(id))
            deadLetters.splice(0, deadLetters.length, ...kept)
            return Promise.resolve()
          },
          requestSync: asked.requestSync,
        },
        ids,
        by,
      ),
    readQueueState: () => Promise.resolve(queueState),
    ...overrides,
  }
  const addPages = pagesOf(options)
  const app = createHttp({ ...options, ...(addPages && { addPages }) })
  return {
    app,
    knex,
    database,
    options,
    intuit,
    queued,
    deadLetters,
    queueState,
    logLines,
    statements,
    explain: (statement) => explain(testDatabase.url, statement),
    send: (method, path) => {
      const sent = request(app)[method](path).set('Authorization', `Bearer ${ADMIN_TOKEN}`)
      return sent.expect(checkAnswer(method, path))
    },
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
function operations({
  database,
  intuit,
  queued,
  log,
}: Pick<OpenHttp, 'database' | 'intuit' | 'queued'> & Pick<HttpOptions, 'log'>) {
  const cipher = createTokenCipher([{ id: 'k1', key: Buffer.alloc(32, 7) }])
  const enqueue = (_tx: Tx, realmIds: readonly string[]) => {
    queued.push(...realmIds)
    return Promise.resolve()
  }
  const call = { status: '200', durationMs: 1, metered: false, intuitTid: null }
  return {
    registerCompany: (registration: Parameters<typeof registerCompany>[1], by: Doer) =>
      registerCompany(
        {
          database,
          cipher,
          environment: 'simulator',
          enqueue,
          recordCalls,
          log,
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
        by,
      ),
    pauseCompany: (realmId: string, by: Doer) => pauseCompany(database, realmId, by),
    resumeCompany: (realmId: string, by: Doer) => resumeCompany(database, enqueue, realmId, by),
    disconnectCompany: (realmId: string, by: Doer) =>
      disconnectCompany(
        { database, cipher, recordCalls, log, revokeToken: () => intuit.revoke() },
        realmId,
        by,
      ),
    confirmDisappearance: (realmId: string, entity: Entity, by: Doer) =>
      database.transaction(async (tx) => {
        const confirmed = await confirmDisappearance(tx, realmId, entity, by)
        await enqueue(tx, [realmId])
        return confirmed
      }),
    requestByWebhook: ({ companies }: ToldEvents) =>
      database.transaction(async (tx) => {
        const told = await requestByWebhook(tx, [...companies.keys()])
        await enqueue(tx, told.asked)
        return told
      }),
    requestSync: (realmIds: readonly string[] | 'all', request: { mode: 'incremental' | 'full'; by: Doer }) =>
      database.transaction(async (tx) => {
        const all = await tx.trx('companies').where({ status: 'active' }).pluck<string[]>('realm_id')
        const asked = await requestByPerson(tx, realmIds === 'all' ? all : realmIds, request)
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
