import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { mostWithin } from '../setup/pace.ts'
import { createTestDatabase } from '../setup/test-database.ts'
import { createChoices, type Choices } from '../simulation/random.ts'
import { expectSound, MIRRORED } from '../sync/invariants.ts'
import {
  CLIENT,
  deployedCipher,
  openDeployment,
  smallCompany,
  type Deployment,
  type DeploymentOptions,
  type Replica,
} from './deployment.ts'
import { startOwnPostgres } from './own-postgres.ts'

const SERVED = 'served_seq = requested_seq'

// How long processes are killed, for a person who wants to see more than the six rounds of every run: then what dead
// ones held lapses by itself.
const KILL_MINUTES = Number(process.env.KILL_MINUTES ?? 0)
const KILL_ROUNDS = 6

const cleanUp: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

describe('several processes on one database', () => {
  test(
    'killed again and again under load, they lose nothing, write over nobody and keep every connection',
    async () => {
      const choices = createChoices(20_261_123)
      const { deployment, realmIds } = await deploy({ companies: 24 })
      const env = { SYNC_CONCURRENCY: '4' }
      const replicas = await Promise.all([1, 2, 3].map(() => deployment.start(env)))
      const asked = new Map<string, number>()
      const until = Date.now() + KILL_MINUTES * 60_000
      for (let round = 1; round <= KILL_ROUNDS || Date.now() < until; round += 1) {
        // Intuit then refuses every access token and gives out new refresh tokens, while processes die.
        if (round === 3) deployment.moveIntuitsClock({ hours: 25 })
        await keepBusy(deployment, { replicas, realmIds, asked, choices })
        const victim = choices.whole(0, replicas.length - 1)
        await replicas[victim]!.end('SIGKILL')
        replicas[victim] = await deployment.start(env)
      }
      await replicas[0]!.request('POST', '/admin/sync', { body: {} })
      if (KILL_MINUTES === 0) await lapse(deployment)
      await settled(deployment)

      await expectNoneHeldUp(deployment)
      for (const [realmId, request] of asked) {
        const [company] = await deployment.rows<{ served: number }>(
          'SELECT served_seq AS served FROM companies WHERE realm_id = :realmId',
          { realmId },
        )
        expect(company!.served).toBeGreaterThanOrEqual(request)
      }
      await expectBooks(deployment, realmIds)
      await expectOneWriterAtATime(deployment)
      // By then it takes only what it gave out last.
      deployment.moveIntuitsClock({ hours: 25 })
      await expectLivingConnections(deployment, realmIds)
      const killed = await deployment.rows(`SELECT FROM sync_runs WHERE status = 'abandoned'`)
      expect(killed.length).toBeGreaterThan(0)
    },
    180_000 + KILL_MINUTES * 60_000,
  )

  test('call no company faster than QuickBooks allows, runs in turn and new tokens between them', async () => {
    const { deployment, realmIds } = await deploy({ companies: 1 })
    const [realmId = ''] = realmIds
    const replicas = [await deployment.start(), await deployment.start()]
    const fullRun = async (replica: Replica) => {
      const body = { mode: 'full' }
      return (await replica.request('POST', `/admin/sync/${realmId}?wait=25`, { body })).text
    }
    const newTokens = async (replica: Replica) => {
      const { refreshToken } = deployment.sandbox.companies()[0]!
      return (await replica.request('PUT', `/admin/companies/${realmId}`, { body: { refreshToken } })).status
    }
    for (const first of replicas) {
      const asked = replicas.flatMap((replica) => [fullRun(replica), newTokens(first)])
      expect((await Promise.all(asked)).filter((status) => typeof status === 'number')).toEqual([200, 200])
    }
    await settled(deployment)
    const calls = deployment.sandbox.calls.list().filter((call) => call.realmId === realmId)
    expect(calls.filter(({ status }) => status === 429)).toEqual([])
    const times = calls.map(({ atMs }) => atMs)
    expect(times.length).toBeGreaterThan(30)
    expect(mostWithin(times, 1_000)).toBeLessThanOrEqual(10)
    expect(mostWithin(times, 60_000)).toBeLessThanOrEqual(500)
  }, 90_000)

  test('one that is paused in a run loses it to another, writes nothing when it wakes up, and goes on working', async () => {
    const { deployment, realmIds } = await deploy({ companies: 1 })
    const [realmId = ''] = realmIds
    const books = deployment.sandbox.books(realmId)
    deployment.sandbox.faults.add({ kind: 'hang', entity: 'Invoice', times: 1 })
    const sleeper = await deployment.start()
    await untilCall(deployment, ({ entity, status }) => entity === 'Invoice' && status === null)
    sleeper.process.kill('SIGSTOP')
    // Its page is answered now, as the books are now, and waits in its socket.
    deployment.sandbox.faults.clear()
    await untilCall(deployment, ({ entity, status }) => entity === 'Invoice' && status === 200)
    for (const { Id } of books.records('Invoice'))
      books.editInvoice(Id, { privateNote: 'changed while one slept' })

    await lapse(deployment)
    const other = await deployment.start()
    await settle(deployment)
    await expectBooks(deployment, realmIds)
    const before = await everyRow(deployment)

    sleeper.process.kill('SIGCONT')
    await sleeper.untilSaid('"code":"lease_lost"')
    expect(await everyRow(deployment)).toEqual(before)
    expect(await deployment.rows(`SELECT status FROM sync_runs ORDER BY id LIMIT 1`)).toEqual([
      { status: 'abandoned' },
    ])
    await expectOneWriterAtATime(deployment)

    expect(await other.end('SIGTERM')).toBe(0)
    books.step()
    expect(await sync(sleeper, realmId)).toMatchObject({ status: 'succeeded' })
    await expectBooks(deployment, realmIds)
  })

  test('survive a restart of Postgres in the middle of their work', async () => {
    const postgres = await startOwnPostgres()
    cleanUp.push(() => postgres.remove())
    const { deployment, realmIds } = await deploy({ companies: 12, databaseUrl: postgres.url })
    const replicas = await Promise.all([1, 2].map(() => deployment.start({ SYNC_CONCURRENCY: '4' })))
    const asked = new Map<string, number>()
    const choices = createChoices(7)
    for (let round = 1; round <= 2; round += 1) {
      await deployment.untilRow(`SELECT FROM sync_runs WHERE status = 'running'`)
      await postgres.stop()
      const refused = await replicas[0]!.request('POST', '/admin/sync', { body: {} })
      expect(refused.status).toBe(503)
      await postgres.start()
      for (const replica of replicas) await replica.untilAnswer('/readyz', ({ status }) => status === 200)
      await keepBusy(deployment, { replicas, realmIds, asked, choices })
    }
    await settle(deployment)
    await expectBooks(deployment, realmIds)
    await expectOneWriterAtATime(deployment)
    for (const replica of replicas) {
      expect(replica.process.exitCode).toBeNull()
      expect(await sync(replica, realmIds[0]!)).toMatchObject({ status: 'succeeded' })
    }
  }, 120_000)

  test('a token endpoint that hangs for some companies holds two connections, and the others are synced', async () => {
    const { deployment, realmIds } = await deploy({ companies: 12 })
    const replica = await deployment.start({ DATABASE_POOL_MAX: '5' })
    await settle(deployment)
    const [hanging, well] = [realmIds.slice(0, 4), realmIds.slice(4)]
    for (const realmId of hanging) {
      deployment.sandbox.faults.add({ kind: 'tokenHang', realmId })
      await deployment.rows(
        'UPDATE connections SET access_token_expires_at = now() WHERE realm_id = :realmId',
        { realmId },
      )
    }
    for (const realmId of realmIds) deployment.sandbox.books(realmId).step()
    expect(await replica.request('POST', '/admin/sync', { body: {} })).toMatchObject({ status: 202 })
    await untilCall(deployment, ({ operation, status }) => operation === 'token' && status === null)
    const served = deployment.untilRow(
      `SELECT FROM companies HAVING count(*) FILTER (WHERE ${SERVED}) = ${well.length}`,
    )
    const held = await mostWhile(served, async () => {
      const [row] = await deployment.rows<{ count: number }>(
        `SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'ledger-mirror %'
            AND state = 'idle in transaction' AND now() - state_change > interval '0.2 s'`,
      )
      return row!.count
    })
    await expectEqual(deployment, well)
    expect(held).toBeLessThanOrEqual(2)
    const unserved = await deployment.rows<{ realm_id: string }>(
      `SELECT realm_id FROM companies WHERE NOT ${SERVED} ORDER BY realm_id`,
    )
    expect(unserved.map((row) => row.realm_id)).toEqual(hanging)

    deployment.sandbox.faults.clear()
    await replica.request('POST', '/admin/sync', { body: {} })
    await settle(deployment)
    await expectBooks(deployment, realmIds)
  })

  test('web, scheduler and worker in processes of their own work together, each within its connections', async () => {
    const { deployment, realmIds } = await deploy({ companies: 12 })
    // The least that is allowed.
    const poolMax = 5
    const [web] = await Promise.all(
      ['web', 'scheduler', 'worker'].map((ROLES) =>
        deployment.start({ ROLES, DATABASE_POOL_MAX: String(poolMax) }),
      ),
    )
    const most = new Map<string, number>()
    const everything = (async () => {
      for (const realmId of realmIds) deployment.sandbox.books(realmId).step()
      await Promise.all(realmIds.map((realmId) => sync(web!, realmId)))
      await settle(deployment)
    })()
    await mostWhile(everything, async () => {
      const counts = await deployment.rows<{ name: string; count: number }>(
        `SELECT application_name AS name, count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'ledger-mirror %' GROUP BY 1`,
      )
      for (const { name, count } of counts) most.set(name, Math.max(count, most.get(name) ?? 0))
      return 0
    })
    expect([...most.keys()].map((name) => name.split(' ')[1]).sort()).toEqual(['scheduler', 'web', 'worker'])
    for (const count of most.values()) expect(count).toBeLessThanOrEqual(poolMax + 2)
    await expectBooks(deployment, realmIds)
    const [state] = await deployment.rows('SELECT last_tick_at FROM service_state')
    expect(state!['last_tick_at']).toBeInstanceOf(Date)
    const metrics = (await web!.request('GET', '/metrics')).text
    expect(metrics).toMatch(/ledger_sync_runs_total\{.*status="succeeded"\} [1-9]/)
  })
})

interface Deployed {
  readonly deployment: Deployment
  readonly realmIds: readonly string[]
}

async function deploy({
  companies,
  databaseUrl,
}: {
  companies: number
  databaseUrl?: string
}): Promise<Deployed> {
  const specs = Array.from({ length: companies }, (_, index) => smallCompany(index + 1))
  const options: DeploymentOptions = { databaseUrl: databaseUrl ?? (await ownDatabase()), companies: specs }
  const deployment = await openDeployment(options)
  cleanUp.push(() => deployment.close())
  expect(await deployment.migrate()).toMatchObject({ exitCode: 0 })
  await deployment.registerCompanies()
  return { deployment, realmIds: specs.map(({ realmId }) => realmId) }
}

async function ownDatabase(): Promise<string> {
  const database = await createTestDatabase()
  cleanUp.push(() => database.drop())
  return database.url
}

interface Busyness {
  readonly replicas: readonly Replica[]
  readonly realmIds: readonly string[]
  /** The newest request that was taken, by company. */
  readonly asked: Map<string, number>
  readonly choices: Choices
}

/** People work in their books and ask whichever process for a sync. */
async function keepBusy(
  { sandbox }: Deployment,
  { replicas, realmIds, asked, choices }: Busyness,
): Promise<void> {
  for (let turn = 1; turn <= 20; turn += 1) {
    const realmId = choices.pick(realmIds)
    sandbox.books(realmId).step()
    const body = { mode: choices.chance(0.2) ? 'full' : 'incremental' }
    const answer = await choices.pick(replicas).request('POST', `/admin/sync/${realmId}`, { body })
    expect(answer).toMatchObject({ status: 202 })
    asked.set(realmId, (JSON.parse(answer.text) as { request: number }).request)
  }
}

/** Waits until every request is served. What dead processes held lapses at once, instead of after half a minute. */
async function settle(deployment: Deployment): Promise<void> {
  await lapse(deployment)
  await settled(deployment)
}

async function settled(deployment: Deployment): Promise<void> {
  await deployment.untilRow(`SELECT FROM companies HAVING bool_and(${SERVED} AND status = 'active')`)
  await deployment.untilRow(`SELECT FROM sync_runs HAVING count(*) FILTER (WHERE status = 'running') = 0`)
}

async function lapse(deployment: Deployment): Promise<void> {
  await deployment.rows(
    `UPDATE sync_runs SET heartbeat_at = heartbeat_at - interval '1 minute' WHERE status = 'running'`,
  )
  await deployment.rows(
    `UPDATE pgboss.job SET heartbeat_on = heartbeat_on - interval '1 minute' WHERE state = 'active'`,
  )
}

async function untilCall(
  { sandbox }: Deployment,
  isWanted: (call: ReturnType<Deployment['sandbox']['calls']['list']>[number]) => boolean,
): Promise<void> {
  while (!sandbox.calls.list().some(isWanted)) await wait(10)
}

async function sync(replica: Replica, realmId: string): Promise<unknown> {
  const { text } = await replica.request('POST', `/admin/sync/${realmId}?wait=25`, { body: {} })
  return (JSON.parse(text) as { run: unknown }).run
}

/** The largest figure that was read until the promise resolved. */
async function mostWhile(until: Promise<unknown>, read: () => Promise<number>): Promise<number> {
  let isOver = false
  const over = until.finally(() => (isOver = true))
  let most = 0
  do most = Math.max(most, await read())
  while (!isOver)
  await over
  return most
}

/** A company whose process died is synced again within two minutes of the last sign of life. */
async function expectNoneHeldUp(deployment: Deployment): Promise<void> {
  const heldUp = await deployment.rows(
    `SELECT died.realm_id, died.heartbeat_at, next.started_at
       FROM sync_runs died
       LEFT JOIN LATERAL (SELECT min(started_at) AS started_at
                            FROM sync_runs
                           WHERE realm_id = died.realm_id AND id > died.id) AS next ON true
      WHERE died.status = 'abandoned'
        AND (next.started_at IS NULL OR next.started_at > died.heartbeat_at + interval '2 minutes')`,
  )
  expect(heldUp).toEqual([])
}

async function expectBooks(deployment: Deployment, realmIds: readonly string[]): Promise<void> {
  await expectSound(deployment)
  await expectEqual(deployment, realmIds)
}

async function expectEqual(deployment: Deployment, realmIds: readonly string[]): Promise<void> {
  for (const realmId of realmIds) {
    expect(await dumpMirror(deployment, realmId)).toEqual(expectedMirror(deployment, realmId))
  }
}

/** No run begins before the one before it has ended, and what it wrote comes after all that was written before. */
async function expectOneWriterAtATime(deployment: Deployment): Promise<void> {
  const overlapping = await deployment.rows(
    `SELECT earlier.id, later.id AS later_id
       FROM sync_runs earlier
       JOIN sync_runs later ON later.realm_id = earlier.realm_id AND later.id > earlier.id
      WHERE later.started_at < earlier.finished_at`,
  )
  expect(overlapping).toEqual([])
  const versions = MIRRORED.map(
    (table) =>
      `SELECT '${table}' AS kind, realm_id, qbo_id, sync_run_id, valid_from, valid_to FROM ${table}_versions`,
  )
  const late = await deployment.rows(
    `SELECT *
       FROM (SELECT *, max(sync_run_id) OVER (PARTITION BY realm_id ORDER BY valid_from) AS newest_run
               FROM (${versions.join(' UNION ALL ')}) AS version) AS version
      WHERE sync_run_id < newest_run`,
  )
  expect(late).toEqual([])
}

/** Intuit still takes the refresh token that is stored of each company. */
async function expectLivingConnections(deployment: Deployment, realmIds: readonly string[]): Promise<void> {
  const basic = Buffer.from(`${CLIENT.clientId}:${CLIENT.clientSecret}`).toString('base64')
  for (const realmId of realmIds) {
    const [connection] = await deployment.rows<{ ciphertext: string }>(
      'SELECT refresh_token_ciphertext AS ciphertext FROM connections WHERE realm_id = :realmId',
      { realmId },
    )
    const token = deployedCipher().decrypt(realmId, connection!.ciphertext)
    const answer = await fetch(deployment.sandbox.tokenUrl, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }).toString(),
    })
    expect(answer.status).toBe(200)
  }
}

async function everyRow(deployment: Deployment): Promise<unknown> {
  const tables = MIRRORED.flatMap((table) => [table, `${table}_history`])
  return Promise.all(
    tables.map((table) =>
      deployment.rows(
        `SELECT '${table}' AS table, xmin::text, qbo_id FROM ${table} ORDER BY qbo_id, xmin::text`,
      ),
    ),
  )
}
