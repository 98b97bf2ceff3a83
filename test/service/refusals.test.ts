import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { createEmptyDatabase, withDatabase, type TestDatabase } from '../setup/test-database.ts'
import { ADMIN_TOKEN, openDeployment, smallCompany, type Deployment, type Replica } from './deployment.ts'

const COMPANY = smallCompany(1, 200)
const REALM = COMPANY.realmId

let database: TestDatabase
let name: string
let role: string
let admin: pg.Client
let deployment: Deployment
let replica: Replica

beforeAll(async () => {
  database = await createEmptyDatabase()
  admin = new pg.Client({ connectionString: withDatabase(database.url, 'postgres') })
  await admin.connect()
  const url = new URL(database.url)
  name = url.pathname.slice(1)
  role = `role_of_${name}`
  // No superuser: those have slots of their own.
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'of-a-test'`)
  await admin.query(`ALTER DATABASE ${name} OWNER TO ${role}`)
  url.username = role
  url.password = 'of-a-test'
  deployment = await openDeployment({ databaseUrl: url.toString(), companies: [COMPANY] })
  await deployment.migrate()
  await deployment.registerCompanies()
  replica = await deployment.start()
  await deployment.untilRow(`SELECT FROM companies WHERE served_seq = requested_seq`)
})

afterAll(async () => {
  await deployment.close()
  await database.drop()
  await admin.query(`DROP ROLE ${role}`)
  await admin.end()
})

/** Ends every session of the role: what comes next has to connect. */
async function endSessions(): Promise<void> {
  await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1`, [role])
}

interface Told {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: { readonly code?: string; readonly detail?: string; readonly missing?: readonly string[] }
}

async function ask(method: 'GET' | 'POST', path: string): Promise<Told> {
  const answer = await fetch(`${replica.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  const body = (await answer.json()) as Told['body']
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body }
}

const refused = (detail: string) => ({
  status: 503,
  retryAfter: expect.stringMatching(/^\d+$/),
  body: expect.objectContaining({ code: 'unavailable', detail }),
})

async function expectServed(): Promise<void> {
  await replica.untilAnswer('/readyz', ({ status }) => status === 200)
  const asked = await ask('POST', `/admin/sync/${REALM}?wait=25`)
  expect(asked.body).toMatchObject({ run: { status: 'succeeded' } })
}

describe('while Postgres', () => {
  test('has no connection left, nothing is ready, and requests are told to come again', async () => {
    await admin.query(`ALTER ROLE ${role} CONNECTION LIMIT 0`)
    await endSessions()
    await replica.untilAnswer('/readyz', ({ text }) => text.includes('Postgres has no connection left'))
    for (const path of [`/admin/sync/${REALM}?wait=2`, '/admin/sync']) {
      expect(await ask('POST', path)).toEqual(refused('Postgres has no connection left'))
    }
    for (const path of ['/admin/companies', `/api/companies/${REALM}/bills`, '/readyz']) {
      expect(await ask('GET', path)).toEqual(refused('Postgres has no connection left'))
    }
    expect(await ask('GET', '/healthz')).toMatchObject({ status: 200 })
    await admin.query(`ALTER ROLE ${role} CONNECTION LIMIT -1`)
    await expectServed()
  })

  test('takes no writes, as after a failover, nothing is ready, though all can be read', async () => {
    await admin.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    await endSessions()
    const readOnly = 'Postgres takes no writes: the database is read-only'
    await replica.untilAnswer('/readyz', ({ text }) => text.includes(readOnly))
    expect(await ask('GET', '/readyz')).toEqual(refused(readOnly))
    for (const path of [`/admin/sync/${REALM}`, `/admin/companies/${REALM}/pause`]) {
      expect(await ask('POST', path)).toEqual(refused(readOnly))
    }
    expect(await ask('GET', `/api/companies/${REALM}/bills`)).toMatchObject({ status: 200 })
    await admin.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`)
    await endSessions()
    await expectServed()
  })

  test('ends sessions again and again, no request is told that something is wrong inside', async () => {
    const statuses = new Set<number>()
    for (let times = 0; times < 40; times += 1) {
      const asked = [
        ask('POST', `/admin/sync/${REALM}`),
        ask('GET', '/admin/companies'),
        ask('POST', '/admin/sync'),
      ]
      await endSessions()
      for (const { status } of await Promise.all(asked)) statuses.add(status)
    }
    expect([200, 202, 503]).toEqual(expect.arrayContaining([...statuses]))
    await replica.untilAnswer('/readyz', ({ status }) => status === 200)
    expect(await ask('POST', `/admin/sync/${REALM}`)).toMatchObject({ status: 202 })
  })
})
