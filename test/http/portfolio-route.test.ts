import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { fieldsOf } from './answers.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import { insertBalance, insertBill, insertCompany, insertSyncedCompany } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
  await insertSyncedCompany(http.knex, '1', { tags: ['retail'], home_currency: 'USD' })
  await insertCompany(http.knex, '2')
  await insertBill(http.knex, '1', '1')
  await insertBalance(http.knex, '1', '35')
})

afterAll(() => http.close())

interface Body {
  readonly data: readonly Record<string, unknown>[]
  readonly totals: readonly unknown[]
}

function get(query = '') {
  return http.send('get', `/api/portfolio${query}`)
}

test('shows every company with what its books add up to, and totals by currency', async () => {
  const answer = await get('?sort=name')
  const body = answer.body as Body
  expect(answer.status).toBe(200)
  expect(body.data.map(({ realmId }) => realmId)).toEqual(['1', '2'])
  expect(body.data[0]).toEqual({
    realmId: '1',
    name: 'Company 1',
    tags: ['retail'],
    mirror: expect.objectContaining({ status: 'active', late: true, rejects: 0, asOf: null, settled: true }),
    promisedLagSeconds: 1200,
    homeCurrency: 'USD',
    today: '2026-03-10',
    cash: [{ currency: 'USD', amount: '1201.00' }],
    receivables: [],
    payables: [expect.objectContaining({ currency: 'USD', open: '100.50', overdue: '100.50', count: 1 })],
    changedLast24Hours: 2,
    flags: ['late'],
  })
  expect(body.data[1]).toMatchObject({
    cash: null,
    receivables: null,
    payables: null,
    flags: ['late', 'never_synced'],
  })
  expect(body.totals).toEqual([{ currency: 'USD', cash: '1201.00', receivables: '0', payables: '100.50' }])
})

test('is not sent again to whoever has it, and is when something changed', async () => {
  const first = await get('?tag=retail')
  const again = await get('?tag=retail').set('If-None-Match', first.headers['etag']!)
  expect([again.status, again.text]).toEqual([304, ''])
  await http.knex('bills').update({ balance: '50', content_hash: 'other' })
  // Another question: the same one is remembered for a second.
  const changed = await get('?tag=retail&sort=name').set('If-None-Match', first.headers['etag']!)
  expect(changed.status).toBe(200)
  expect(changed.headers['etag']).not.toBe(first.headers['etag'])
})

test('is one answer for all who ask at once', async () => {
  http.statements.length = 0
  const answers = await Promise.all(Array.from({ length: 8 }, () => get('?search=company')))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  const sums = http.statements.filter(({ sql }) => sql.includes('portfolio_sums k'))
  expect(sums).toHaveLength(1)
})

test('comes plain to whoever takes no gzip', async () => {
  const { headers, body } = await get('?sort=lag').set('Accept-Encoding', 'identity')
  expect(headers['content-encoding']).toBeUndefined()
  expect((body as Body).data).toHaveLength(2)
})

test.each([
  ['?flag=blue', 'flag'],
  ['?sort=balance', 'sort'],
  ['?asOf=yesterday', 'asOf'],
  ['?search=', 'search'],
  ['?tag=a&tag=b', 'tag'],
  ['?limit=10', 'limit'],
])('refuses %s', async (query, field) => {
  const answer = await get(query)
  expect(answer.status).toBe(400)
  expect(fieldsOf(answer)).toEqual([field])
})
