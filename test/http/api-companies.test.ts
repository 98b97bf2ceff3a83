import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { requestSync } from '../../src/connections/request-sync.ts'
import { fieldsOf } from './answers.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import {
  insertBill,
  insertCompany,
  insertReject,
  insertRun,
  insertSyncedCompany,
  secondsBefore,
} from './rows.ts'

let http: OpenHttp

/** What stands for the run that a request leads to: it is over as soon as it was asked for. */
let afterRequest: (realmId: string, request: number) => Promise<void> = () => Promise.resolve()

beforeAll(async () => {
  http = await openHttp({
    requestSync: (realmIds, { mode }) =>
      http.database.transaction(async (tx) => {
        const asked = await requestSync(tx, realmIds === 'all' ? [] : realmIds, { mode, trigger: 'manual' })
        for (const [realmId, request] of asked) queueMicrotask(() => void afterRequest(realmId, request))
        return asked
      }),
  })
  await insertSyncedCompany(http.knex, '1', { tags: ['north'], home_currency: 'CAD' })
  await insertCompany(http.knex, '2')
  await insertSyncedCompany(http.knex, '3', { max_lag_minutes: 60 * 24 })
  await insertReject(http.knex, '3', { qbo_id: '17' })
  await insertBill(http.knex, '1', '1')
})

afterAll(() => http.close())

describe('GET /api/companies', () => {
  test('tells of each how far its mirror can be trusted', async () => {
    const { body } = await http.send('get', '/api/companies').expect(200)
    expect(body.nextCursor).toBeNull()
    expect(body.data).toEqual([
      {
        realmId: '1',
        name: 'Company 1',
        status: 'active',
        statusReason: null,
        whatToDo: null,
        homeCurrency: 'CAD',
        timeZone: null,
        tags: ['north'],
        lastSyncedAt: secondsBefore(80_000).toISOString(),
        lagSeconds: 80_000,
        late: true,
        neverSynced: false,
        rejects: 0,
      },
      expect.objectContaining({ realmId: '2', lastSyncedAt: null, lagSeconds: 86_400, neverSynced: true }),
      expect.objectContaining({
        realmId: '3',
        // Its own promise is a day.
        late: false,
        rejects: 1,
        statusReason: {
          code: 'invalid_payload',
          message: 'bill 17 could not be taken: TotalAmt should be an amount',
        },
      }),
    ])
  })

  test('goes page by page', async () => {
    const first = await http.send('get', '/api/companies?limit=2').expect(200)
    const second = await http
      .send('get', `/api/companies?limit=2&cursor=${first.body.nextCursor}`)
      .expect(200)
    expect(
      [...first.body.data, ...second.body.data].map(({ realmId }: { realmId: string }) => realmId),
    ).toEqual(['1', '2', '3'])
    await http.send('get', `/admin/companies?cursor=${first.body.nextCursor}`).expect(400)
  })
})

describe('PATCH /admin/companies/:realmId', () => {
  const patch = (body: object) => http.send('patch', '/admin/companies/1').send(body)

  test('keeps what the firm says of a company, and leaves what it does not speak of', async () => {
    const { body } = await patch({
      name: 'Ours',
      timeZone: 'America/Denver',
      tags: ['a', 'b', 'a'],
      maxLagMinutes: 30,
    }).expect(200)
    expect(body).toMatchObject({
      name: 'Ours',
      timeZone: 'America/Denver',
      tags: ['a', 'b'],
      maxLagMinutes: 30,
    })
    expect((await patch({}).expect(200)).body).toMatchObject({
      name: 'Ours',
      tags: ['a', 'b'],
      maxLagMinutes: 30,
    })
    const [row] = await http.knex('companies').where({ realm_id: '1' }).select('set_by_firm')
    expect(row).toEqual({ set_by_firm: ['name', 'time_zone'] })
  })

  test('gives a name back to QuickBooks, and a promise back to the interval', async () => {
    expect((await patch({ name: null, maxLagMinutes: null }).expect(200)).body).toMatchObject({
      name: 'Ours',
      maxLagMinutes: null,
    })
    const [row] = await http.knex('companies').where({ realm_id: '1' }).select('set_by_firm')
    expect(row).toEqual({ set_by_firm: ['time_zone'] })
  })

  test.each([
    [{ name: '' }, 'name'],
    [{ timeZone: 'Mars/Olympus' }, 'timeZone'],
    [{ timeZone: '+05:00' }, 'timeZone'],
    [{ tags: 'north' }, 'tags'],
    [{ tags: [''] }, 'tags.0'],
    [{ maxLagMinutes: 0 }, 'maxLagMinutes'],
    [{ maxLagMinutes: '15' }, 'maxLagMinutes'],
    [{ status: 'paused' }, 'status'],
  ])('refuses %j and names %s', async (body, field) => {
    expect(fieldsOf(await patch(body).expect(400))).toEqual([field])
  })

  test('of no company is not found', async () => {
    await http.send('patch', '/admin/companies/9').send({ tags: [] }).expect(404)
  })
})

describe('an unknown parameter', () => {
  test('is answered with those that are known', async () => {
    const { body } = await http.send('get', '/api/companies/1/bills?dueBy=2026-01-01').expect(400)
    expect(body.errors[0].message).toMatch(
      /^is not known here; known fields are limit, cursor, status, dueFrom, dueTo/,
    )
    const vendors = await http.send('get', '/api/companies/1/vendors?dueFrom=2026-01-01').expect(400)
    expect(vendors.body.errors[0].message).not.toContain('dueFrom')
  })
})

describe('maxAgeSeconds', () => {
  const asked: number[] = []

  beforeEach(() => {
    asked.length = 0
    afterRequest = async (realmId, request) => {
      asked.push(request)
      await http
        .knex('sync_states')
        .where({ realm_id: realmId })
        .update({ last_synced_at: secondsBefore(0) })
      await insertRun(http.knex, realmId, {
        served_request: request,
        started_at: secondsBefore(0),
        finished_at: secondsBefore(0),
      })
    }
  })

  const aged = (seconds: number, realmId = '1') =>
    http
      .knex('sync_states')
      .where({ realm_id: realmId })
      .update({ last_synced_at: secondsBefore(seconds) })
  const freshness = async (path: string) =>
    (await http.send('get', `/api/companies/${path}`).expect(200)).body.mirror as {
      lastSyncedAt: string
      statusReason: unknown
    }

  test('syncs an older mirror first, of a list and of a record', async () => {
    for (const path of ['1/bills?maxAgeSeconds=60', '1/bills/1?maxAgeSeconds=60']) {
      await aged(61)
      expect(await freshness(path)).toMatchObject({ lastSyncedAt: secondsBefore(0).toISOString() })
    }
    expect(asked).toHaveLength(2)
  })

  test('syncs one that was never read', async () => {
    await http.send('get', '/api/companies/2/bills').expect(409)
    await http.knex('sync_states').insert({ realm_id: '2', entity: 'bill' })
    expect(await freshness('2/bills?maxAgeSeconds=60')).toMatchObject({
      lastSyncedAt: secondsBefore(0).toISOString(),
    })
  })

  test('leaves one that is young enough, and what the past held', async () => {
    await aged(60)
    await freshness('1/bills?maxAgeSeconds=60')
    await aged(9999)
    await freshness('1/bills?maxAgeSeconds=60&asOf=9999-01-01T00:00:00Z')
    expect(asked).toEqual([])
  })

  test('serves a company that is not synced as it is, and says why', async () => {
    await aged(5000, '3')
    await http.knex('companies').where({ realm_id: '3' }).update({ status: 'paused' })
    expect(await freshness('3/bills?maxAgeSeconds=60')).toMatchObject({
      lastSyncedAt: secondsBefore(5000).toISOString(),
      statusReason: { code: 'company_inactive', message: 'it was paused' },
    })
    expect(asked).toEqual([])
  })

  test('of no company is not found', async () => {
    await http.send('get', '/api/companies/9/bills?maxAgeSeconds=60').expect(404)
  })
})
