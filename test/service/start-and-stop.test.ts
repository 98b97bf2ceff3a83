import { Agent, request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../setup/test-database.ts'
import { ADMIN_TOKEN, openDeployment, smallCompany, type Answer, type Deployment } from './deployment.ts'
import { openCutLine, type CutLine } from './cut-line.ts'
import { startOwnPostgres, type OwnPostgres } from './own-postgres.ts'

const COMPANY = smallCompany(1, 200)
const REALM = COMPANY.realmId

describe('a start in production', () => {
  let database: TestDatabase
  let deployment: Deployment

  beforeEach(async () => {
    database = await createEmptyDatabase()
    deployment = await openDeployment({ databaseUrl: database.url })
  })

  afterEach(async () => {
    await deployment.close()
    await database.drop()
  })

  test('names the migrations it waits for, and goes on when another process has applied them', async () => {
    const replica = await deployment.launch()
    const waiting = await replica.untilAnswer('/readyz', says('npm run migrate'))
    expect(waiting.status).toBe(503)
    const [first, ...others] = missing(waiting)
    expect(first).toBe('migration 20261122000100_companies.ts is not applied: run npm run migrate')
    expect(others.length).toBeGreaterThan(0)
    expect(await replica.request('GET', '/healthz')).toMatchObject({ status: 200 })
    expect(await replica.request('GET', '/admin/companies')).toMatchObject({ status: 503 })

    expect(await deployment.migrate()).toMatchObject({ exitCode: 0, stderr: '' })
    await replica.untilAnswer('/readyz', isReady)
    expect(await replica.request('GET', '/admin/companies')).toMatchObject({ status: 200 })
    expect(await replica.end('SIGTERM')).toBe(0)
  })

  test('is ready on a database that a newer release has already migrated', async () => {
    await deployment.migrate()
    await deployment.rows(
      `INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('20991231000000_later.ts', 99, now())`,
    )
    const replica = await deployment.start()
    expect(await replica.request('GET', '/readyz')).toMatchObject({ status: 200 })
    expect(await deployment.migrate()).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test('says in one line that its port is in use, and ends', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, resolve))
    const { port } = taken.address() as AddressInfo
    const replica = await deployment.launch({ PORT: String(port) })
    expect(await replica.ended).toBe(1)
    expect(replica.output()).toBe(`Port ${port} is in use: set PORT to another one\n`)
    await new Promise((resolve) => taken.close(resolve))
  })

  test('asked to stop while it waits for its migrations, it ends as if nothing had happened', async () => {
    const replica = await deployment.launch()
    await replica.untilAnswer('/readyz', says('npm run migrate'))
    expect(await replica.end('SIGTERM')).toBe(0)
    expect(replica.output()).not.toContain('"level":"error"')
  })

  test('asked to stop in its first moments, it ends as if nothing had happened', async () => {
    await deployment.migrate()
    const replica = await deployment.launch()
    await replica.untilSaid('database found')
    expect(await replica.end('SIGTERM')).toBe(0)
    expect(replica.output()).not.toContain('"level":"error"')
  })
})

describe('a process that is asked to stop', () => {
  let database: TestDatabase
  let deployment: Deployment

  beforeEach(async () => {
    database = await createTestDatabase()
    deployment = await openDeployment({ databaseUrl: database.url, companies: [COMPANY] })
    await deployment.migrate()
  })

  afterEach(async () => {
    await deployment.close()
    await database.drop()
  })

  test('ends at once when it has nothing to do, however often it is asked', async () => {
    const replica = await deployment.start()
    replica.process.kill('SIGTERM')
    replica.process.kill('SIGINT')
    expect(await replica.end('SIGTERM')).toBe(0)
    expect(replica.output()).not.toContain('"level":"error"')
  })

  test('gives up a backfill that waits for QuickBooks: the run is abandoned and asked for again', async () => {
    deployment.sandbox.faults.add({ kind: 'hang', entity: 'Invoice' })
    await deployment.registerCompanies()
    const replica = await deployment.start()
    await untilCalled('Invoice')
    expect(await replica.end('SIGTERM')).toBe(0)
    await expectAbandoned()
  })

  test('gives up a backfill in the middle of its pages, and the next process takes it to its end', async () => {
    deployment.sandbox.addCompany(smallCompany(2, 4_000))
    await deployment.registerCompanies()
    const { realmId } = smallCompany(2)
    const replica = await deployment.start()
    await deployment.untilRow(`SELECT FROM bills WHERE realm_id = :realmId`, { realmId })
    expect(await replica.end('SIGTERM')).toBe(0)
    expect(await deployment.rows(`SELECT id FROM sync_runs WHERE status = 'running'`)).toEqual([])

    await deployment.start()
    await deployment.untilRow(
      `SELECT FROM companies WHERE realm_id = :realmId AND served_seq = requested_seq AND status = 'active'`,
      { realmId },
    )
    for (const [table, type] of [
      ['bills', 'Bill'],
      ['invoices', 'Invoice'],
    ] as const) {
      const held = await deployment.rows<{ id: string }>(
        `SELECT qbo_id AS id FROM ${table} WHERE realm_id = :realmId AND deleted_at IS NULL ORDER BY qbo_id::int`,
        { realmId },
      )
      const books = deployment.sandbox.books(realmId).records(type)
      expect(held.map(({ id }) => Number(id))).toEqual(
        books.map(({ Id }) => Number(Id)).sort((a, b) => a - b),
      )
    }
    expect(await deployment.rows(`SELECT FROM bills_history`)).toEqual([])
  })

  test.each([
    ['kept alive', true],
    ['used once', false],
  ])(
    'answers at once a request that waits for a run, on a connection that is %s',
    async (_how, keepAlive) => {
      deployment.sandbox.faults.add({ kind: 'hang' })
      await deployment.registerCompanies()
      const replica = await deployment.start()
      const agent = new Agent({ keepAlive })
      const waiting = ask(agent, `${replica.url}/admin/sync/${REALM}?wait=25`)
      await deployment.untilRow(`SELECT FROM companies WHERE requested_seq > 1`)
      await deployment.untilRow(`SELECT FROM sync_runs WHERE status = 'running'`)
      expect(await replica.end('SIGTERM')).toBe(0)
      expect(await waiting).toEqual({ status: 202, body: { realmId: REALM, request: 2, run: null } })
      expect(replica.output()).not.toContain('"level":"error"')
      await expectAbandoned()
      agent.destroy()
    },
  )

  function ask(agent: Agent, url: string): Promise<{ status: number | undefined; body: unknown }> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
      request(url, { method: 'POST', agent, headers }, (answer) => {
        void text(answer).then((body) => resolve({ status: answer.statusCode, body: JSON.parse(body) }))
      })
        .on('error', reject)
        .end()
    })
  }

  test('gives up while it waits for a token', async () => {
    deployment.sandbox.faults.add({ kind: 'tokenHang' })
    await deployment.registerCompanies()
    const replica = await deployment.start()
    await untilCalled(null, 'token')
    expect(await replica.end('SIGTERM')).toBe(0)
    await expectAbandoned()
  })

  /** Resolves when QuickBooks has such a call in hand. */
  async function untilCalled(entity: string | null, operation = 'query'): Promise<void> {
    const hasCome = () =>
      deployment.sandbox.calls.list().some((call) => call.operation === operation && call.entity === entity)
    while (!hasCome()) await new Promise((resolve) => setImmediate(resolve))
  }

  async function expectAbandoned(): Promise<void> {
    expect(await deployment.rows(`SELECT status, error_code FROM sync_runs`)).toEqual([
      { status: 'abandoned', error_code: 'lease_lost' },
    ])
    const [company] = await deployment.rows<{ asked: boolean; trigger: string }>(
      `SELECT requested_seq > served_seq AS asked, requested_trigger AS trigger FROM companies`,
    )
    expect(company).toEqual({ asked: true, trigger: 'recovery' })
  }
})

describe('a process whose Postgres goes away', () => {
  let postgres: OwnPostgres
  let deployment: Deployment

  beforeAll(async () => {
    postgres = await startOwnPostgres()
    deployment = await openDeployment({ databaseUrl: postgres.url, companies: [COMPANY] })
    await deployment.migrate()
    await deployment.registerCompanies()
  })

  afterAll(async () => {
    await deployment.close()
    await postgres.remove()
  })

  test('starts without it, says what it waits for, and is ready when it comes', async () => {
    await postgres.stop()
    const replica = await deployment.launch()
    const waiting = await replica.untilAnswer('/readyz', says('Postgres does not answer'))
    expect(waiting.status).toBe(503)
    expect(await replica.request('GET', '/healthz')).toMatchObject({ status: 200 })

    await postgres.start()
    await replica.untilAnswer('/readyz', isReady)
    await deployment.untilRow(`SELECT FROM companies WHERE served_seq = requested_seq`)
    expect(await replica.end('SIGTERM')).toBe(0)
  })

  test('asked to stop while it waits for Postgres, it ends as if nothing had happened', async () => {
    await postgres.stop()
    const replica = await deployment.launch()
    await replica.untilAnswer('/readyz', says('Postgres does not answer'))
    expect(await replica.end('SIGTERM')).toBe(0)
    await postgres.start()
  })

  test('lives on while it is idle, tells the truth about itself, and syncs again afterwards', async () => {
    const replica = await deployment.start()
    await replica.untilAnswer('/readyz', isReady)
    await postgres.stop()

    await replica.untilAnswer('/readyz', says('Postgres does not answer'))
    expect(await replica.request('GET', '/healthz')).toMatchObject({ status: 200 })
    const metrics = await replica.request('GET', '/metrics')
    expect(metrics.status).toBe(200)
    expect(metrics.text).toContain('ledger_collector_up{collector="sync"} 0')
    expect(metrics.text).toContain('ledger_collector_up{collector="queues"} 0')
    const refused = await replica.request('GET', '/admin/companies')
    expect(refused).toMatchObject({ status: 503 })

    await postgres.start()
    await replica.untilAnswer('/readyz', isReady)
    const asked = await replica.request('POST', `/admin/sync/${REALM}?wait=25`, { body: {} })
    expect(JSON.parse(asked.text)).toMatchObject({ run: { status: 'succeeded' } })
    await replica.untilAnswer('/metrics', says('ledger_collector_up{collector="queues"} 1'))
    await replica.untilSaid('Postgres answers again')
    const told = replica
      .output()
      .split('\n')
      .filter((line) => /"level":"(?:error|warn)"/.test(line))
    expect(told).toEqual([expect.stringContaining('Postgres does not answer')])
    expect(replica.process.exitCode).toBeNull()
    expect(await replica.end('SIGTERM')).toBe(0)
  })

  test('asked to stop while Postgres is away and a run is under way, it ends all the same', async () => {
    const replica = await deployment.start()
    deployment.sandbox.faults.add({ kind: 'hang' })
    await replica.request('POST', `/admin/sync/${REALM}`, { body: {} })
    await deployment.untilRow(`SELECT FROM sync_runs WHERE status = 'running'`)
    await postgres.stop()
    await replica.untilAnswer('/readyz', says('Postgres does not answer'))
    expect(await replica.end('SIGTERM')).toBe(0)
    await postgres.start()
  })
})

describe('a process whose Postgres goes away while it starts', () => {
  let database: TestDatabase
  let line: CutLine
  let deployment: Deployment

  beforeEach(async () => {
    database = await createTestDatabase()
    line = await openCutLine(database.url)
    deployment = await openDeployment({ databaseUrl: database.url, companies: [COMPANY] })
    await deployment.migrate()
    await deployment.registerCompanies()
  })

  afterEach(async () => {
    await deployment.close()
    await line.close()
    await database.drop()
  })

  // A statement of each step, in their order.
  test.each([
    ['asks for its migrations', 'FROM knex_migrations'],
    ['forgets a pause', 'SET calls_paused_until = least'],
    ['looks for the queue', 'pgboss.version'],
    ['sets the queues up', 'pgboss.create_queue'],
    ['plans its ticks', 'INSERT INTO pgboss.schedule'],
    ['ticks for the first time', 'last_tick_at'],
  ])('as it %s waits for it, and goes on when it is back', async (_step, statement) => {
    line.cutAt(statement)
    const replica = await deployment.launch({ DATABASE_URL: line.url })
    const waiting = await replica.untilAnswer('/readyz', says('Postgres does not answer'))
    expect(waiting.status).toBe(503)
    expect(line.isCut()).toBe(true)
    expect(await replica.request('GET', '/healthz')).toMatchObject({ status: 200 })
    expect(await replica.request('GET', '/admin/companies')).toMatchObject({ status: 503 })

    await line.mend()
    await replica.untilAnswer('/readyz', isReady)
    await deployment.untilRow(`SELECT FROM companies WHERE served_seq = requested_seq`)
    expect(await replica.end('SIGTERM')).toBe(0)
  })

  test('asked to stop while it waits there, it ends as if nothing had happened', async () => {
    line.cutAt('SET calls_paused_until = least')
    const replica = await deployment.launch({ DATABASE_URL: line.url })
    await replica.untilAnswer('/readyz', says('Postgres does not answer'))
    expect(await replica.end('SIGTERM')).toBe(0)
    expect(replica.output()).not.toContain('"level":"error"')
  })
})

function says(text: string): (answer: Answer) => boolean {
  return (answer) => answer.text.includes(text)
}

function isReady({ status }: Answer): boolean {
  return status === 200
}

function missing({ text }: Answer): string[] {
  return (JSON.parse(text) as { missing: string[] }).missing
}
