import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eachOf, fieldsOf } from './answers.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import {
  insertBalance,
  insertBill,
  insertCompany,
  insertSyncedCompany,
  insertInvoice,
  insertVendor,
} from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
  const { knex } = http
  await insertSyncedCompany(knex, '1', { home_currency: 'USD' })
  await insertSyncedCompany(knex, '2', { home_currency: 'USD' })
  await insertBill(knex, '1', '1')
  await insertInvoice(knex, '1', '2', { currency: 'EUR', total_amount: '-900', balance: '-900' })
  await insertBalance(knex, '2', '35')
  await insertVendor(knex, '2', '56', 'Harbor Paper')
  await knex('bills').update({ balance: '60.50' })
  await knex('balances').update({ current_balance: '-5000.00' })
})

afterAll(() => http.close())

const get = (path: string) => http.send('get', path)
const ids = async (query: string) => eachOf(await get(`/api/changes?${query}`).expect(200), 'qboId')

describe('the feed over all companies', () => {
  test('tells each version with what it changed and where to go on behind it', async () => {
    const { body } = await get('/api/changes').expect(200)
    expect(eachOf({ body }, 'qboId')).toEqual(['1', '2', '35', '56', '1', '35'])
    expect(body).toMatchObject({ nextCursor: null, resumeAfter: body.data[5].cursor })
    expect(body.data[4]).toEqual({
      cursor: expect.any(String),
      realmId: '1',
      entity: 'bill',
      qboId: '1',
      change: 'partlyPaid',
      summary: 'Paid 40.00 of 100.50',
      docNumber: 'D-1',
      counterparty: 'Old Name',
      name: null,
      txnDate: '2026-02-01',
      currency: 'USD',
      totalAmount: { before: '100.50', after: '100.50' },
      balance: { before: '100.50', after: '60.50' },
      validFrom: expect.stringMatching(/Z$/),
      sourceValidFrom: expect.stringMatching(/Z$/),
      syncRunId: 1,
      diff: [{ path: 'balance', before: '100.50', after: '60.50' }],
    })
    expect(body.data[0]).toMatchObject({
      change: 'created',
      summary: 'Entered: 100.50 from Old Name, due 1 March 2026',
      totalAmount: { before: null, after: '100.50' },
    })
    expect(body.data[5]).toMatchObject({
      name: 'Checking',
      counterparty: null,
      balance: { before: '1201.00', after: '-5000.00' },
      summary: 'Balance 1,201.00 → -5,000.00',
    })
  })

  test('goes on behind any row, behind a page and behind the end', async () => {
    const { body } = await get('/api/changes').expect(200)
    const [first] = body.data
    expect(await ids(`after=${first.cursor}`)).toEqual(['2', '35', '56', '1', '35'])
    expect(await ids(`after=${first.cursor}&entity=bill`)).toEqual(['1'])
    const page = await get('/api/changes?limit=4').expect(200)
    expect(await ids(`limit=4&cursor=${page.body.nextCursor}`)).toEqual(['1', '35'])
    const end = await get(`/api/changes?after=${body.resumeAfter}`).expect(200)
    expect(end.body).toEqual({ data: [], nextCursor: null, resumeAfter: body.resumeAfter })
  })

  test('comes newest first for people', async () => {
    expect(await ids('order=desc')).toEqual(['35', '1', '56', '35', '2', '1'])
    const page = await get('/api/changes?order=desc&limit=2').expect(200)
    expect(page.body.resumeAfter).toBeNull()
    expect(await ids(`order=desc&limit=2&cursor=${page.body.nextCursor}`)).toEqual(['56', '35'])
  })

  test.each([
    ['entity=balance', ['35', '35']],
    ['change=partlyPaid', ['1']],
    ['counterparty=OLD%20n', ['1', '1']],
    ['counterparty=harbor', ['56']],
    ['minAmount=900', ['2', '35', '35']],
    ['minAmount=900.01', ['35', '35']],
    ['since=2100-01-01T00:00:00Z', []],
    ['until=2000-01-01T00:00:00Z', []],
    ['since=2000-01-01T00:00:00Z&entity=vendor&order=desc', ['56']],
  ])('can be narrowed by %s', async (query, expected) => {
    expect(await ids(query)).toEqual(expected)
  })

  test('narrowed by when it begins takes the version in and leaves out the one at its end', async () => {
    const { body } = await get('/api/changes').expect(200)
    const [, second, third] = body.data
    expect(await ids(`since=${second.validFrom}&until=${third.validFrom}`)).toEqual(['2'])
  })

  test('refuses what it does not know, and cursors that are none, mistyped or of another list', async () => {
    const { body } = await get('/api/changes?limit=1').expect(200)
    const cursor = body.nextCursor as string
    for (const query of [
      `cursor=${cursor}&entity=bill`,
      `cursor=${cursor.slice(0, -2)}`,
      `cursor=${body.data[0].cursor}`,
      'cursor=x',
    ]) {
      expect(fieldsOf(await get(`/api/changes?${query}`).expect(400))).toEqual(['cursor'])
    }
    expect(fieldsOf(await get(`/api/companies/1/changes?cursor=${cursor}`).expect(400))).toEqual(['cursor'])
    expect(fieldsOf(await get(`/api/changes?cursor=${cursor}&after=${cursor}`).expect(400))).toEqual([
      'after',
    ])
    const odd = await get('/api/changes?change=gone&minAmount=much&order=up&since=today&of=1').expect(400)
    expect(fieldsOf(odd).sort()).toEqual(['change', 'minAmount', 'of', 'order', 'since'])
  })
})

describe('the feed of one company', () => {
  test('has its versions alone, by cursors that serve both feeds', async () => {
    const all = await get('/api/changes').expect(200)
    const own = await get('/api/companies/2/changes').expect(200)
    expect(eachOf(own, 'qboId')).toEqual(['35', '56', '35'])
    expect(own.body.mirror).toMatchObject({ status: 'active', rejects: 0 })
    expect(all.body).not.toHaveProperty('mirror')
    const behind = await get(`/api/companies/2/changes?after=${all.body.data[2].cursor}`).expect(200)
    expect(eachOf(behind, 'qboId')).toEqual(['56', '35'])
  })

  test('is refused for a company that was never synced: an empty one would say that nothing changed', async () => {
    await insertCompany(http.knex, '3')
    const answer = await get('/api/companies/3/changes').expect(409)
    expect(answer.body.code).toBe('never_synced')
  })

  test('of a company that there is not is not found', async () => {
    expect((await get('/api/companies/9/changes').expect(404)).body).toMatchObject({ code: 'not_found' })
  })
})
