import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eachOf, fieldsOf } from './answers.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import { insertCompany, insertRun, secondsBefore } from './rows.ts'

let http: OpenHttp
const ids: Record<string, number> = {}

beforeAll(async () => {
  http = await openHttp()
  await insertCompany(http.knex, '1')
  await insertCompany(http.knex, '2')
  ids['old'] = await insertRun(http.knex, '1', { started_at: secondsBefore(9000) })
  ids['failed'] = await insertRun(http.knex, '2', {
    trigger: 'manual',
    mode: 'full',
    status: 'failed',
    started_at: secondsBefore(5000),
    served_request: 3,
    requests: 7,
    metered_calls: 6,
    error_code: 'throttled',
    error_message: 'slow down',
    intuit_tid: 'tid-7',
  })
  ids['succeeded'] = await insertRun(http.knex, '1', {
    started_at: secondsBefore(4000),
    finished_at: secondsBefore(3998),
    entities: { bill: { watermarkFrom: null, watermarkTo: '2026-03-10T10:00:00.000Z', fetched: 2 } },
  })
  ids['running'] = await insertRun(http.knex, '1', { started_at: secondsBefore(2), status: 'running' })
})

afterAll(() => http.close())

async function list(query: string): Promise<unknown[]> {
  return eachOf(await http.send('get', `/admin/sync/runs${query}`).expect(200), 'id')
}

describe('GET /admin/sync/runs', () => {
  test('shows runs newest first', async () => {
    expect(await list('')).toEqual([ids['running'], ids['succeeded'], ids['failed'], ids['old']])
  })

  test('filters by company, status and start', async () => {
    expect(await list('?realmId=1')).toEqual([ids['running'], ids['succeeded'], ids['old']])
    expect(await list('?status=failed')).toEqual([ids['failed']])
    expect(await list(`?since=${secondsBefore(4000).toISOString()}`)).toEqual([
      ids['running'],
      ids['succeeded'],
    ])
    expect(await list('?realmId=1&status=succeeded&since=2026-03-10T11:00:00%2B01:00')).toEqual([
      ids['succeeded'],
    ])
    expect(await list('?realmId=404')).toEqual([])
    expect(await list('?since=0000-01-01T00:00:00Z&status=failed')).toEqual([ids['failed']])
    expect(await list('?since=9999-12-31T23:59:59.999999-23:59')).toEqual([])
  })

  test('pages through them, also while newer ones come', async () => {
    const first = await http.send('get', '/admin/sync/runs?limit=2').expect(200)
    await insertRun(http.knex, '2')
    const second = await http.send('get', `/admin/sync/runs?limit=2&cursor=${first.body.nextCursor}`)
    expect(eachOf(second, 'id')).toEqual([ids['failed'], ids['old']])
    expect(second.body.nextCursor).toBeNull()
  })

  test.each([
    ['realmId=x', 'realmId'],
    ['status=done', 'status'],
    ['since=yesterday', 'since'],
    ['since=2026-03-10', 'since'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['cursor=abc', 'cursor'],
    ['order=asc', 'order'],
  ])('?%s is refused and names %s', async (query, field) => {
    const { body } = await http.send('get', `/admin/sync/runs?${query}`).expect(400)
    expect(fieldsOf({ body })).toEqual([field])
  })
})

describe('GET /admin/sync/runs/:id', () => {
  test('shows one run with what it did', async () => {
    const { body } = await http.send('get', `/admin/sync/runs/${ids['succeeded']}`).expect(200)
    expect(body).toEqual({
      id: ids['succeeded'],
      realmId: '1',
      trigger: 'schedule',
      mode: 'incremental',
      status: 'succeeded',
      startedAt: secondsBefore(4000).toISOString(),
      finishedAt: secondsBefore(3998).toISOString(),
      servedRequest: 1,
      requests: 1,
      meteredCalls: 1,
      entities: {
        bill: {
          watermarkFrom: null,
          watermarkTo: '2026-03-10T10:00:00.000Z',
          fetched: 2,
          ...{
            inserted: 0,
            updated: 0,
            touched: 0,
            deleted: 0,
            buried: 0,
            revived: 0,
            unchanged: 0,
            stale: 0,
          },
          ...{ rejected: 0, drifted: 0, error: null },
        },
      },
      error: null,
    })
  })

  test('one that failed says why', async () => {
    const { body } = await http.send('get', `/admin/sync/runs/${ids['failed']}`).expect(200)
    expect(body).toMatchObject({
      trigger: 'manual',
      mode: 'full',
      error: { code: 'throttled', message: 'slow down', intuitTid: 'tid-7' },
    })
  })

  test('one that runs has no end', async () => {
    const { body } = await http.send('get', `/admin/sync/runs/${ids['running']}`).expect(200)
    expect(body).toMatchObject({ status: 'running', finishedAt: null, entities: {} })
  })

  test('an unknown one is not found, an impossible number is refused', async () => {
    await http.send('get', '/admin/sync/runs/999999').expect(404)
    for (const id of ['x', '-1', '1.5', '9'.repeat(19)]) {
      const { body } = await http.send('get', `/admin/sync/runs/${id}`).expect(400)
      expect(body.errors[0].field).toBe('id')
    }
  })
})
