import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { FaultSpec } from '../../src/sandbox/sandbox.ts'
import {
  ADMIN_TOKEN,
  CLIENT,
  ENCRYPTION_KEY,
  openDeployment,
  smallCompany,
  type Deployment,
  type Replica,
} from '../service/deployment.ts'
import { createTestDatabase, type TestDatabase } from '../setup/test-database.ts'
import { startRecordingProxy, type RecordingProxy } from './recording-proxy.ts'

const READ_TOKEN = 'reader-token-0815-4711'
const METRICS_TOKEN = 'scraper-token-0815-4711'
const VERIFIER_TOKEN = 'webhook-verifier-token-0815'
// What people type into the wrong place: it belongs to no one here, and must not be told on either.
const MISTYPED_TOKEN = 'AB11mistyped-refresh-token-of-another-company'
const WRONG_BEARER = 'wrong-bearer-of-somebody-else-0815'

const COMPANIES = [1, 2, 3, 4].map((number) => smallCompany(number))
const [SICK, DISCONNECTED, BROKEN, WELL] = COMPANIES.map(({ realmId }) => realmId) as [
  string,
  string,
  string,
  string,
]

const READ_FAULTS = [
  'throttled429',
  'throttled429Xml',
  'throttled403',
  'quotaExhausted',
  'company6190With200',
  'noDestination7001',
  'expired3200',
  'auth100',
  'auth120',
  'forbidden3100',
  'server500',
  'systemFault10000',
  'unavailable502Html',
  'html200',
  'emptyBody200',
  'connectionReset',
  'connectionResetMidBody',
  'truncatedJson',
] as const
const TOKEN_FAULTS = ['tokenServer503', 'tokenLostResponse', 'invalidGrant', 'invalidClient'] as const

let database: TestDatabase
let deployment: Deployment
let proxy: RecordingProxy
let service: Replica
const answers: string[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  deployment = await openDeployment({ databaseUrl: database.url, companies: COMPANIES })
  await deployment.migrate()
  proxy = await startRecordingProxy(deployment.sandbox.url)
  service = await deployment.start(environment())
  await goThroughEverything()
}, 120_000)

afterAll(async () => {
  await deployment.close()
  await proxy.stop()
  await database.drop()
})

describe('after troubles of every kind no secret is to be found', () => {
  test('because there were troubles, and secrets to be found', async () => {
    expect(proxy.tokens.size).toBeGreaterThan(2 * COMPANIES.length)
    const codes = await deployment.rows<{ code: string }>(
      `SELECT DISTINCT error_code AS code FROM sync_runs WHERE error_code IS NOT NULL ORDER BY 1`,
    )
    expect(codes.map(({ code }) => code)).toEqual(
      expect.arrayContaining([
        'app_misconfigured',
        'company_unavailable',
        'internal',
        'needs_reauth',
        'throttled',
        'unavailable',
      ]),
    )
    const dead = await deployment.rows(`SELECT FROM pgboss.job WHERE name = 'sync-company-dead'`)
    expect(dead.length).toBeGreaterThan(0)
    expect(service.output()).toContain('"level":"debug"')
    expect(answers.some((answer) => answer.includes('ledger_build_info'))).toBe(true)
  })

  test('in the log', () => {
    expectNoSecret(service.output())
  })

  test('in what the API and the metrics answer', () => {
    for (const answer of answers) expectNoSecret(answer)
  })

  test('in any column of any table, those of the queue and those with ciphertext included', async () => {
    const tables = await deployment.rows<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name
         FROM information_schema.tables
        WHERE table_schema IN ('public', 'pgboss') AND table_type = 'BASE TABLE'`,
    )
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['public.connections', 'pgboss.job']),
    )
    for (const { name } of tables) {
      const rows = await deployment.rows<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM ${name} AS t`)
      expectNoSecret(rows.map(({ row }) => row).join('\n'))
    }
  })

  test('in what a process says that cannot reach its Postgres, or whose settings are wrong', async () => {
    const unreachable = new URL(database.url)
    unreachable.port = '1'
    const waiting = await deployment.launch({ ...environment(), DATABASE_URL: unreachable.toString() })
    const told = await waiting.untilAnswer('/readyz', ({ text }) => text.includes('Postgres does not answer'))
    expectNoSecret(told.text)
    expect(await waiting.end('SIGTERM')).toBe(0)
    expectNoSecret(waiting.output())

    const wrong = await deployment.launch({ ...environment(), PORT: 'none', SYNC_CONCURRENCY: '0' })
    expect(await wrong.ended).toBe(78)
    expectNoSecret(wrong.output())
  })
})

async function goThroughEverything(): Promise<void> {
  await mistype()
  await register()
  await failReading()
  await failRefreshing()
  await failInside()
  await service.request('POST', '/admin/sync', { body: {} })
  await ask('POST', `/admin/companies/${WELL}/pause`, { body: {} })
  await ask('POST', `/admin/companies/${WELL}/resume`, { body: {} })
  deployment.sandbox.faults.add({ kind: 'connectionReset', operation: 'revoke', times: 1 })
  await ask('POST', `/admin/companies/${DISCONNECTED}/disconnect`, { body: {} })
  await readEverything()
}

/** Wrong tokens, and right ones in the wrong place. */
async function mistype(): Promise<void> {
  const path = `/admin/companies/${SICK}`
  await ask('PUT', path, { body: { refreshToken: MISTYPED_TOKEN } })
  await ask('PUT', path, { body: `{"refreshToken": "${MISTYPED_TOKEN}", ` })
  await ask('PUT', path, { body: { refreshtoken: MISTYPED_TOKEN, accessToken: MISTYPED_TOKEN } })
  await ask('PUT', path, { body: { refreshToken: `${MISTYPED_TOKEN}\n` } })
  await ask('PUT', `${path}?refreshToken=${MISTYPED_TOKEN}`, { body: {} })
  await ask('GET', `/admin/sync/runs?status=${MISTYPED_TOKEN}`)
  await ask('GET', '/admin/companies', { token: WRONG_BEARER })
  await ask('GET', '/metrics', { token: WRONG_BEARER })
  proxy.repeatRequests(true)
  await ask('PUT', path, { body: { refreshToken: tokenOf(SICK) } })
  proxy.repeatRequests(false)
}

async function register(): Promise<void> {
  for (const { realmId } of COMPANIES) {
    expect(
      await ask('PUT', `/admin/companies/${realmId}`, { body: { refreshToken: tokenOf(realmId) } }),
    ).toBe(201)
    expect(await sync(realmId)).toContain('"status":"succeeded"')
  }
}

async function failReading(): Promise<void> {
  for (const kind of READ_FAULTS) await failWith({ kind, realmId: SICK })
  proxy.repeatRequests(true)
  await sync(SICK)
  proxy.repeatRequests(false)
  await forgive()
}

async function failRefreshing(): Promise<void> {
  for (const kind of TOKEN_FAULTS) {
    await expireTokens()
    await failWith({ kind, realmId: SICK })
  }
  await expireTokens()
  proxy.repeatRequests(true)
  await sync(SICK)
  proxy.repeatRequests(false)
  await forgive()
}

/** Defects: tokens that cannot be decrypted, and a table that is gone. They go to the dead letters at once. */
async function failInside(): Promise<void> {
  await deployment.rows(`UPDATE pgboss.queue SET retry_limit = 0 WHERE name = 'sync-company'`)
  await deployment.rows(
    `UPDATE connections SET access_token_ciphertext = refresh_token_ciphertext WHERE realm_id = :realmId`,
    { realmId: BROKEN },
  )
  await deployment.rows(
    `UPDATE connections SET access_token_ciphertext = other.access_token_ciphertext
       FROM connections other WHERE connections.realm_id = :realmId AND other.realm_id = :other`,
    { realmId: BROKEN, other: WELL },
  )
  expect(await sync(BROKEN)).toContain('"status":"failed"')
  await deployment.rows('ALTER TABLE bills RENAME TO bills_elsewhere')
  deployment.sandbox.books(WELL).createBill({
    vendorId: deployment.sandbox.books(WELL).records('Vendor')[0]!.Id,
    amount: '12.50',
  })
  expect(await sync(WELL)).toContain('"status":"failed"')
  await deployment.rows('ALTER TABLE bills_elsewhere RENAME TO bills')
  await deployment.untilRow(`SELECT FROM pgboss.job WHERE name = 'sync-company-dead'`)
}

async function failWith(fault: FaultSpec): Promise<void> {
  const id = deployment.sandbox.faults.add(fault)
  expect(await sync(SICK)).toContain('"status":"failed"')
  deployment.sandbox.faults.remove(id)
  await forgive()
}

/** What follows from a failure is not waited for. */
async function forgive(): Promise<void> {
  await deployment.rows(
    `UPDATE companies SET status = 'active', not_before = NULL, not_before_code = NULL, failures_in_a_row = 0`,
  )
  await deployment.rows(
    `UPDATE service_state SET calls_paused_until = NULL, stopped_since = NULL, calls_paused_code = NULL, calls_paused_reason = NULL`,
  )
}

async function expireTokens(): Promise<void> {
  await deployment.rows('UPDATE connections SET access_token_expires_at = now() WHERE realm_id = :realmId', {
    realmId: SICK,
  })
}

async function readEverything(): Promise<void> {
  const paths = [
    '/healthz',
    '/readyz',
    '/metrics',
    '/admin/companies',
    '/admin/sync/runs?limit=1000',
    '/nowhere',
  ]
  for (const { realmId } of COMPANIES) {
    paths.push(`/admin/companies/${realmId}`, `/admin/companies/${realmId}/rejects`)
    for (const list of ['bills', 'invoices', 'balances']) paths.push(`/api/companies/${realmId}/${list}`)
    await ask('GET', `/api/companies/${realmId}/vendors`, { token: READ_TOKEN })
  }
  const runs = await deployment.rows<{ id: number }>('SELECT id FROM sync_runs')
  for (const { id } of runs) paths.push(`/admin/sync/runs/${id}`)
  for (const path of paths)
    await ask('GET', path, { token: path === '/metrics' ? METRICS_TOKEN : ADMIN_TOKEN })
}

/** Asks until a run has served it: one for an earlier request may fail meanwhile, and then ours waits as long as that. */
async function sync(realmId: string): Promise<string> {
  while ((await ask('POST', `/admin/sync/${realmId}?wait=5`, { body: {} })) === 202) await forgive()
  return answers.at(-1)!
}

/** @returns the status; the whole answer is kept. */
async function ask(
  method: string,
  path: string,
  { body, token = ADMIN_TOKEN }: { body?: unknown; token?: string } = {},
): Promise<number> {
  const answer = await fetch(`${service.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  answers.push(JSON.stringify([answer.status, [...answer.headers]]) + (await answer.text()))
  return answer.status
}

function tokenOf(realmId: string): string {
  return deployment.sandbox.companies().find((company) => company.realmId === realmId)!.refreshToken
}

function environment(): Record<string, string> {
  return {
    READ_TOKEN,
    METRICS_TOKEN,
    QBO_WEBHOOK_VERIFIER_TOKEN: VERIFIER_TOKEN,
    QBO_API_BASE_URL: proxy.url,
    QBO_OAUTH_TOKEN_URL: deployment.sandbox.tokenUrl.replace(deployment.sandbox.url, proxy.url),
    QBO_OAUTH_REVOKE_URL: deployment.sandbox.revokeUrl.replace(deployment.sandbox.url, proxy.url),
  }
}

function expectNoSecret(text: string): void {
  const found = [...secrets()].filter(([, value]) => text.includes(value))
  expect(found.map(([name, value]) => `${name}: ${around(text, value)}`)).toEqual([])
}

/** Name and value of each. */
function* secrets(): Iterable<[string, string]> {
  const { clientId, clientSecret } = CLIENT
  for (const token of proxy.tokens) {
    yield ['a token', token]
    yield ['a token in base64', Buffer.from(token).toString('base64')]
  }
  yield ['the client secret', clientSecret]
  yield ['the credentials of the app', Buffer.from(`${clientId}:${clientSecret}`).toString('base64')]
  yield ['the admin token', ADMIN_TOKEN]
  yield ['the read token', READ_TOKEN]
  yield ['the metrics token', METRICS_TOKEN]
  yield ['the verifier token', VERIFIER_TOKEN]
  yield ['the encryption key', ENCRYPTION_KEY.toString('base64')]
  yield ['the encryption key in hex', ENCRYPTION_KEY.toString('hex')]
  yield ['the encryption key as text', ENCRYPTION_KEY.toString('latin1')]
  yield ['the password of Postgres', decodeURIComponent(new URL(database.url).password)]
  yield ['a mistyped token', MISTYPED_TOKEN]
  yield ['a wrong bearer', WRONG_BEARER]
}

function around(text: string, value: string): string {
  const at = text.indexOf(value)
  return text.slice(Math.max(0, at - 300), at + value.length + 100)
}
