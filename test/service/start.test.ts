import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { createWorkplace, type Workplace } from '../setup/workplace.ts'
import { PARTS, startInVain, startService, type Service } from './start-service.ts'

const SIZES = ['Bill', 'Invoice', 'Account', 'Vendor', 'Customer'] as const
const TABLES = {
  Bill: 'bills',
  Invoice: 'invoices',
  Account: 'balances',
  Vendor: 'vendors',
  Customer: 'customers',
}
// The largest of the demo companies, and the one in which nothing happens by itself.
const QUIET_REALM = '4620816300000000005'

interface Run {
  id: number
  status: string
  meteredCalls: number
}

describe('a start with nothing configured', () => {
  let workplace: Workplace
  const services: Service[] = []

  beforeEach(async () => {
    workplace = await createWorkplace(PARTS)
  })

  afterEach(async () => {
    for (const service of services.splice(0)) {
      if (service.process.exitCode === null) await service.end('SIGINT')
      await rm(service.clusterDirectory, { recursive: true, force: true })
    }
    await workplace.remove()
  })

  async function start(env: Record<string, string> = {}): Promise<Service> {
    const service = await startService(workplace, env)
    services.push(service)
    return service
  }

  test('mirrors every demo company, ends cleanly when asked and goes on from the same data', async () => {
    const first = await start()
    const companies = await first.get<{ data: { realmId: string }[] }>('/admin/companies')
    expect(companies.data).toHaveLength(5)
    for (const { realmId } of companies.data) {
      const { run } = await first.post<{ run: Run }>(`/admin/sync/${realmId}?wait=25`, {
        mode: 'incremental',
      })
      expect(run).toMatchObject({ status: 'succeeded' })
    }
    expect(await heldRecords(first, QUIET_REALM)).toEqual(await sourceRecords(first, QUIET_REALM))
    expect(await first.end('SIGINT')).toBe(0)

    const second = await start()
    expect(second.adminToken).toBe(first.adminToken)
    const { run } = await second.post<{ run: Run }>(`/admin/sync/${QUIET_REALM}?wait=25`)
    expect(run).toMatchObject({ status: 'succeeded', mode: 'incremental', meteredCalls: 1 })
    expect(await heldRecords(second, QUIET_REALM)).toEqual(await sourceRecords(second, QUIET_REALM))
    const writes = await (await fetch(`${second.simulatorUrl}/sandbox/writes`)).json()
    expect(writes).toEqual([])
  })

  test('killed in the middle of its backfills, it resumes them: nothing is doubled and no run stays open', async () => {
    const first = await start({ SYNC_CONCURRENCY: '1' })
    await untilRow(first, `SELECT FROM bills WHERE realm_id = '${QUIET_REALM}'`)
    await first.end('SIGKILL')

    const second = await start()
    // What a dead process held lapses by its heartbeats: they are set back here, instead of waiting for that.
    await query(
      second,
      `UPDATE sync_runs SET heartbeat_at = heartbeat_at - interval '1 minute' WHERE status = 'running'`,
    )
    await query(
      second,
      `UPDATE pgboss.job SET heartbeat_on = heartbeat_on - interval '1 minute' WHERE state = 'active'`,
    )
    await untilRow(
      second,
      `SELECT FROM companies WHERE realm_id = '${QUIET_REALM}' AND served_seq = requested_seq`,
      () => second.post(`/admin/sync/${QUIET_REALM}?wait=5`),
    )
    expect(await heldRecords(second, QUIET_REALM)).toEqual(await sourceRecords(second, QUIET_REALM))
    expect(await query(second, `SELECT FROM bills_history WHERE realm_id = '${QUIET_REALM}'`)).toEqual([])
    const statuses = await query(
      second,
      `SELECT DISTINCT status FROM sync_runs WHERE realm_id = '${QUIET_REALM}'`,
    )
    expect(statuses).not.toContainEqual({ status: 'running' })
    // The queue looks after jobs without a heartbeat every 15 seconds, and a retry waits for some more.
  }, 120_000)

  test('a second start beside it says so and ends', async () => {
    const first = await start()
    const second = await startInVain(workplace)
    expect(second.exitCode).toBe(1)
    expect(second.output).toContain(`is in use by process ${first.process.pid}`)
  })
})

describe('a start that cannot be', () => {
  test('lists everything that is wrong with its environment and ends with code 78', async () => {
    const workplace = await createWorkplace(PARTS)
    const { exitCode, output } = await startInVain(workplace, {
      NODE_ENV: 'production',
      PORT: 'http',
      SYNC_CONCURRENCY: '0',
      ADMIN_TOKEN: 'short-secret',
    })
    await workplace.remove()
    expect(exitCode).toBe(78)
    for (const name of ['PORT', 'SYNC_CONCURRENCY', 'ADMIN_TOKEN', 'DATABASE_URL', 'QBO_CLIENT_ID']) {
      expect(output).toContain(name)
    }
    expect(output).not.toContain('short-secret')
  })
})

async function query<Row>(service: Service, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}

/** Asks again and again until the statement gives a row; jest's own time limit bounds it. */
async function untilRow(service: Service, sql: string, between?: () => Promise<unknown>): Promise<void> {
  while ((await query(service, sql)).length === 0) await between?.()
}

/** Ids with the amounts and names that identify a record's content, as Postgres holds them. */
async function heldRecords(service: Service, realmId: string): Promise<Record<string, string[]>> {
  const held: Record<string, string[]> = {}
  for (const type of SIZES) {
    const rows = await query<{ id: string; payload: unknown }>(
      service,
      `SELECT qbo_id AS id, raw - '{SyncToken,MetaData}'::text[] AS payload
         FROM ${TABLES[type]} WHERE realm_id = '${realmId}' AND deleted_at IS NULL`,
    )
    held[type] = rows.map((row) => canonical(row.payload)).sort()
  }
  return held
}

async function sourceRecords(service: Service, realmId: string): Promise<Record<string, string[]>> {
  const source: Record<string, string[]> = {}
  for (const type of SIZES) {
    const answer = await fetch(`${service.simulatorUrl}/sandbox/companies/${realmId}/records/${type}`)
    const records = (await answer.json()) as Record<string, unknown>[]
    source[type] = records
      .map(({ SyncToken: _token, MetaData: _meta, ...content }) => canonical(content))
      .sort()
  }
  return source
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}
