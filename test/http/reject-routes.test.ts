import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eachOf, fieldsOf } from './answers.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import { insertCompany, insertReject, NOW, secondsBefore } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
  await insertCompany(http.knex, '1')
  await insertReject(http.knex, '1', {
    qbo_id: '12',
    payload: '{"Id":"12","TotalAmt":"a lot"}',
    intuit_tid: 'tid-3',
    attempts: 2,
  })
  await insertReject(http.knex, '1', { qbo_id: '13', resolved_at: secondsBefore(5) })
  await insertReject(http.knex, '1', { entity: 'invoice', qbo_id: '14' })
  await insertCompany(http.knex, '2')
  await insertReject(http.knex, '2', { qbo_id: null, position: "CreateTime>='2026-01-01' #17", payload: '' })
  await insertCompany(http.knex, '3', { status: 'paused' })
  await insertReject(http.knex, '3')
})

afterAll(() => http.close())

async function qboIds(path: string): Promise<unknown[]> {
  return eachOf(await http.send('get', path).expect(200), 'qboId')
}

describe('GET /admin/companies/:realmId/rejects', () => {
  test('shows open rejects with payload and reason', async () => {
    const { body } = await http.send('get', '/admin/companies/1/rejects?limit=1').expect(200)
    expect(body.data).toEqual([
      {
        id: expect.any(Number),
        entity: 'bill',
        qboId: '12',
        position: null,
        code: 'invalid_payload',
        reason: 'TotalAmt should be an amount',
        intuitTid: 'tid-3',
        firstSeenAt: secondsBefore(7200).toISOString(),
        lastSeenAt: secondsBefore(3600).toISOString(),
        attempts: 2,
        retryAt: secondsBefore(-3600).toISOString(),
        resolvedAt: null,
        payload: '{"Id":"12","TotalAmt":"a lot"}',
      },
    ])
    expect(await qboIds(`/admin/companies/1/rejects?limit=1&cursor=${body.nextCursor}`)).toEqual(['14'])
  })

  test('shows those that were resolved when asked for them', async () => {
    expect(await qboIds('/admin/companies/1/rejects')).toEqual(['12', '14'])
    expect(await qboIds('/admin/companies/1/rejects?resolved=true')).toEqual(['13'])
  })

  test.each([
    ['resolved=yes', 'resolved'],
    ['limit=-1', 'limit'],
    ['cursor=%00', 'cursor'],
    ['entity=bill', 'entity'],
  ])('?%s is refused and names %s', async (query, field) => {
    const { body } = await http.send('get', `/admin/companies/1/rejects?${query}`).expect(400)
    expect(fieldsOf({ body })).toEqual([field])
  })

  test('an unknown company is not found', async () => {
    await http.send('get', '/admin/companies/99/rejects').expect(404)
  })
})

describe('POST /admin/companies/:realmId/rejects/retry', () => {
  test('makes open rejects due and asks for a run that reads them again', async () => {
    const { body, headers } = await http.send('post', '/admin/companies/1/rejects/retry').expect(202)
    expect(body).toEqual({ realmId: '1', request: 1, mode: 'incremental', rejects: 2 })
    expect(headers['location']).toBe('/admin/companies/1')
    const rows = await http.knex('sync_rejects').where({ realm_id: '1' }).orderBy('qbo_id')
    expect(rows.map((row) => row.retry_at)).toEqual([NOW, secondsBefore(-3600), NOW])
    expect(rows.map((row) => row.attempts)).toEqual([2, 1, 1])
    expect(http.queued).toEqual(['1'])
  })

  test('a record known by its place alone needs a full run', async () => {
    const { body } = await http.send('post', '/admin/companies/2/rejects/retry').expect(202)
    expect(body).toMatchObject({ mode: 'full', rejects: 1 })
    const company = await http.knex('companies').where({ realm_id: '2' }).first()
    expect(company.requested_mode).toBe('full')
  })

  test('a company that is not synced is refused, and nothing becomes due', async () => {
    const { body } = await http.send('post', '/admin/companies/3/rejects/retry').expect(409)
    expect(body.code).toBe('company_inactive')
    const row = await http.knex('sync_rejects').where({ realm_id: '3' }).first()
    expect(row.retry_at).toEqual(secondsBefore(-3600))
  })

  test('an unknown company is not found', async () => {
    await http.send('post', '/admin/companies/99/rejects/retry').expect(404)
  })
})
