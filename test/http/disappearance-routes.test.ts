import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { whatToDo } from '../../src/domain/what-to-do.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import { insertCompany, insertState, NOW, secondsBefore } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
})

afterAll(() => http.close())

describe('POST /admin/companies/:realmId/disappearances/:entity/confirm', () => {
  test('notes that a person said so, and asks for the full run that deletes them', async () => {
    await insertCompany(http.knex, '1')
    await doubt('1', 'bill')
    const { body, headers } = await http
      .send('post', '/admin/companies/1/disappearances/bill/confirm')
      .set('x-request-id', 'the-request')
      .expect(202)
    expect(body).toEqual({ realmId: '1', request: 1, entity: 'bill', missing: 1326, held: 2210 })
    expect(headers['location']).toBe('/admin/companies/1')
    expect(http.queued).toContain('1')
    expect(await http.knex('disappearances').where({ realm_id: '1' })).toMatchObject([{ confirmed_at: NOW }])
    expect(await http.knex('companies').where({ realm_id: '1' }).first()).toMatchObject({
      requested_mode: 'full',
      requested_trigger: 'manual',
    })
    const { body: events } = await http.send('get', '/admin/companies/1/events').expect(200)
    expect(events).toEqual({
      data: [
        {
          at: NOW.toISOString(),
          realmId: '1',
          kind: 'disappearance_confirmed',
          actor: 'admin token',
          detail: { entity: 'bill', missing: 1326, held: 2210 },
          requestId: 'the-request',
        },
      ],
      nextCursor: null,
    })
  })

  test('is refused where nothing is in doubt, and leaves nothing behind', async () => {
    await insertCompany(http.knex, '2')
    const { body } = await http.send('post', '/admin/companies/2/disappearances/bill/confirm').expect(404)
    expect(body).toMatchObject({ code: 'not_found', detail: expect.stringContaining('in doubt') })
    expect(await http.knex('companies').where({ realm_id: '2' }).first()).toMatchObject({ requested_seq: 0 })
    expect(await http.knex('company_events').where({ realm_id: '2' })).toEqual([])
  })

  test.each([
    ['an unknown company', '/admin/companies/77/disappearances/bill/confirm', 404],
    ['an unknown entity', '/admin/companies/1/disappearances/payment/confirm', 400],
  ])('is refused for %s', async (_what, path, status) => {
    await http.send('post', path).expect(status)
  })

  test('is refused for a paused company, of which no run would follow', async () => {
    await insertCompany(http.knex, '3', { status: 'paused' })
    await doubt('3', 'bill')
    await http.send('post', '/admin/companies/3/disappearances/bill/confirm').expect(409)
    expect(await http.knex('disappearances').where({ realm_id: '3' })).toMatchObject([{ confirmed_at: null }])
  })
})

describe('GET /admin/companies/:realmId', () => {
  test('shows of an entity what is in doubt, why it stands still, and what to do about it', async () => {
    await insertCompany(http.knex, '11')
    await doubt('11', 'bill')
    await insertState(http.knex, '11', 'bill', {
      watermark: secondsBefore(7_200),
      error_code: 'mass_disappearance',
      error_message: '1326 of 2210 bill records vanished',
      error_since: secondsBefore(7_000),
      error_failures: 2,
      not_before: secondsBefore(-600),
      owes: 'listing',
    })
    await insertState(http.knex, '11', 'invoice', { watermark: secondsBefore(60) })
    const { body } = await http.send('get', '/admin/companies/11').expect(200)
    expect(body).toMatchObject({
      status: 'active',
      statusReason: { code: 'mass_disappearance', message: 'bill: 1326 of 2210 bill records vanished' },
      late: true,
      entities: {
        bill: {
          error: {
            code: 'mass_disappearance',
            message: '1326 of 2210 bill records vanished',
            intuitTid: null,
            since: secondsBefore(7_000).toISOString(),
            failures: 2,
            notBefore: secondsBefore(-600).toISOString(),
          },
          disappearance: {
            missing: 1326,
            held: 2210,
            since: secondsBefore(7_000).toISOString(),
            runId: 9,
            confirmedAt: null,
          },
        },
        invoice: { error: null, disappearance: null },
      },
    })
    const advice = [
      body.whatToDo,
      body.entities.bill.error.whatToDo,
      body.entities.bill.disappearance.whatToDo,
    ]
    for (const sentence of advice) {
      expect(sentence).toBe(
        whatToDo('mass_disappearance', { realmId: '11', status: 'active', entity: 'bill' }),
      )
      expect(sentence).toMatch(/11\/disappearances\/bill\/confirm/)
      expect(sentence).toMatch(/POST \/admin\/sync\/11/)
      expect(sentence).not.toMatch(/purge/)
    }
  })
})

async function doubt(realmId: string, entity: string): Promise<void> {
  await http.knex('disappearances').insert({
    realm_id: realmId,
    entity,
    missing: 1326,
    held: 2210,
    since: secondsBefore(7_000),
    sync_run_id: 9,
  })
}
