import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eachOf } from './answers.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import { insertCompany } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
  for (const realmId of ['1', '2']) await insertCompany(http.knex, realmId)
  await http.send('post', '/admin/sync/1').send({ mode: 'full' }).expect(202)
  await http.send('post', '/admin/sync/2').send({ mode: 'incremental' }).expect(202)
  await http.send('post', '/admin/sync').send({ mode: 'full' }).expect(202)
})

afterAll(() => http.close())

test('a full run that a person asks for is an event of each company, with the request that asked', async () => {
  const { body, headers } = await http.send('post', '/admin/sync/2').send({ mode: 'full' }).expect(202)
  expect(body).toMatchObject({ realmId: '2' })
  const { body: events } = await http.send('get', '/admin/companies/2/events').expect(200)
  expect(events.data).toMatchObject([
    {
      realmId: '2',
      kind: 'full_sync_requested',
      actor: 'admin token',
      detail: {},
      requestId: headers['x-request-id'],
    },
    { kind: 'full_sync_requested' },
  ])
})

test('events of all companies come newest first, page by page', async () => {
  const seen: unknown[] = []
  let path: string | null = '/admin/events?limit=1'
  while (path !== null) path = await follow(path, seen)
  const { body: whole } = await http.send('get', '/admin/events').expect(200)
  expect(seen).toEqual(eachOf({ body: whole }, 'realmId'))
  expect(seen.length).toBeGreaterThan(2)
})

/** @returns the address of the next page; null after the last. */
async function follow(path: string, seen: unknown[]): Promise<string | null> {
  const { body } = await http.send('get', path).expect(200)
  seen.push(...eachOf({ body }, 'realmId'))
  const { nextCursor } = body as { nextCursor: string | null }
  return nextCursor === null ? null : `/admin/events?limit=1&cursor=${nextCursor}`
}

test('an unknown parameter is named', async () => {
  const { body } = await http.send('get', '/admin/events?kind=paused').expect(400)
  expect(body.errors).toEqual([
    { field: 'kind', message: 'is not known here; known fields are limit, cursor' },
  ])
})

describe('what was recorded', () => {
  test.each([
    'UPDATE company_events SET actor = $$x$$',
    'DELETE FROM company_events',
    'TRUNCATE company_events',
  ])('stays, whoever says: %s', async (statement) => {
    await expect(http.knex.raw(statement)).rejects.toThrow('is refused')
  })

  test('has one of the words that are promised', async () => {
    await expect(
      http.knex('company_events').insert({ at: new Date(), realm_id: '1', kind: 'renamed', actor: 'x' }),
    ).rejects.toThrow('company_events_kind_check')
  })
})
