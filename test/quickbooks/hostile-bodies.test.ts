import { afterEach, describe, expect, test } from '@jest/globals'
import { gzipSync } from 'node:zlib'

import { startListing } from '../../src/quickbooks/listing-cursor.ts'
import type { QuickBooks } from '../../src/quickbooks/quickbooks.ts'
import { answering, startLoopbackServer, type LoopbackServer, type Responder } from './loopback-server.ts'
import { openCompany, openQuickBooks, type OpenCompany } from './open-company.ts'

let opened: { server: LoopbackServer; quickBooks: QuickBooks } | null = null

afterEach(async () => {
  opened?.quickBooks.close()
  await opened?.server.close()
})

async function companyAnswering(respond: Responder): Promise<OpenCompany> {
  const server = await startLoopbackServer(respond)
  const quickBooks = openQuickBooks(server)
  opened = { server, quickBooks }
  return openCompany(quickBooks)
}

const TIME = '"time":"2026-11-22T07:15:02.318-08:00"'
const FIRST_PAGE = startListing('created', null)

describe('an answer that is not what was asked for is never an empty page', () => {
  const UNAVAILABLE = { code: 'unavailable', details: { intuitTid: '1-test-tid', httpStatus: 200 } }

  test.each([
    ['an empty object', '{}'],
    ['another envelope', `{"CompanyInfo":{},${TIME}}`],
    ['an envelope in lower case', `{"queryResponse":{},${TIME}}`],
    ['a list for an envelope', `{"QueryResponse":[],${TIME}}`],
    ['null for an envelope', `{"QueryResponse":null,${TIME}}`],
    ['no time', '{"QueryResponse":{}}'],
    ['a time without an offset', '{"QueryResponse":{},"time":"2026-11-22T07:15:02.318"}'],
    ['a number for the time', '{"QueryResponse":{},"time":1795331702318}'],
    ['rows that are no list', `{"QueryResponse":{"Bill":{"Id":"1"}},${TIME}}`],
    ['rows of another entity', `{"QueryResponse":{"Invoice":[{"Id":"1"}]},${TIME}}`],
    ['rows that were counted and are not there', `{"QueryResponse":{"maxResults":3},${TIME}}`],
    ['a list', '[]'],
    ['a text', '"QueryResponse"'],
    ['null', 'null'],
    ['no JSON', 'QueryResponse'],
    ['half of the JSON', `{"QueryResponse":{"Bill":[{"Id":"1"`],
    ['two documents', `{"QueryResponse":{},${TIME}}{}`],
    ['nothing', ''],
    ['nesting deeper than any stack', '['.repeat(500_000)],
  ])('of a query: %s', async (_what, body) => {
    const { reader, calls } = await companyAnswering(answering(200, body))
    await expect(reader.listPage('bill', FIRST_PAGE)).rejects.toMatchObject(UNAVAILABLE)
    expect(calls).toMatchObject([
      { operation: 'query', status: '200', metered: true, intuitTid: '1-test-tid' },
    ])
  })

  test.each([
    ['a page', `{"QueryResponse":{},${TIME}}`],
    ['no groups', `{"CDCResponse":[],${TIME}}`],
    ['an object for the groups', `{"CDCResponse":{"QueryResponse":[]},${TIME}}`],
    ['groups without their name', `{"CDCResponse":[{}],${TIME}}`],
    ['a group that is no object', `{"CDCResponse":[{"QueryResponse":[null]}],${TIME}}`],
    ['rows that are no list', `{"CDCResponse":[{"QueryResponse":[{"Bill":{}}]}],${TIME}}`],
    ['no time', '{"CDCResponse":[{"QueryResponse":[{}]}]}'],
    ["the gateway's empty list", '{"fault":null,"cdcresponse":[],"time":1795331702318}'],
  ])('of change data capture: %s', async (_what, body) => {
    const { reader } = await companyAnswering(answering(200, body))
    await expect(reader.changes(['bill'], new Date(0))).rejects.toMatchObject(UNAVAILABLE)
  })

  test.each([
    ['no count', `{"QueryResponse":{},${TIME}}`],
    ['a text', `{"QueryResponse":{"totalCount":"5"},${TIME}}`],
    ['a negative count', `{"QueryResponse":{"totalCount":-1},${TIME}}`],
    ['a fraction', `{"QueryResponse":{"totalCount":1.5},${TIME}}`],
  ])('of a count: %s', async (_what, body) => {
    const { reader } = await companyAnswering(answering(200, body))
    await expect(reader.count('bill')).rejects.toMatchObject(UNAVAILABLE)
  })

  test('of CompanyInfo and Preferences', async () => {
    const { reader } = await companyAnswering(answering(200, `{"CompanyInfo":{"Country":"US"},${TIME}}`))
    await expect(reader.companyInfo()).rejects.toMatchObject(UNAVAILABLE)
    await expect(reader.preferences()).rejects.toMatchObject(UNAVAILABLE)
  })
})

test('an empty page is empty, and the end of the listing', async () => {
  const { reader } = await companyAnswering(answering(200, `{"QueryResponse":{},${TIME}}`))
  expect(await reader.listPage('bill', FIRST_PAGE)).toEqual({
    page: { changes: [], rejects: [], observedAt: new Date('2026-11-22T15:15:02.318Z') },
    next: null,
  })
})

test('one damaged row harms no other', async () => {
  const meta =
    '"MetaData":{"CreateTime":"2026-11-20T10:01:09-08:00","LastUpdatedTime":"2026-11-22T07:12:40-08:00"}'
  const rows = [
    `{"Id":"1","TxnDate":"2026-11-18","TotalAmt":1,"Balance":0,${meta}}`,
    'null',
    `{"Id":"2","TxnDate":"2026-11-18","TotalAmt":"abc","Balance":0,${meta}}`,
    `{"TxnDate":"2026-11-18","TotalAmt":1,"Balance":0,${meta}}`,
    '{"Id":"3","TxnDate":"2026-11-18","TotalAmt":1,"Balance":0,"MetaData":{"LastUpdatedTime":"2026-11-22T07:12:40Z"}}',
    `{"Id":"4","TxnDate":"2026-11-18","TotalAmt":12345678901234567890.12,"Balance":0,${meta}}`,
  ]
  const { reader } = await companyAnswering(
    answering(200, `{"QueryResponse":{"Bill":[${rows.join(',')}]},${TIME}}`),
  )
  const { page } = await reader.listPage('bill', FIRST_PAGE)
  expect(page.changes).toMatchObject([
    { qboId: '1' },
    { qboId: '4', content: { totalAmount: '12345678901234567890.12' }, raw: rows[5] },
  ])
  expect(page.rejects).toMatchObject([
    { qboId: null, position: 'CreateTime #2', payload: 'null' },
    { qboId: '2', position: null, payload: rows[2] },
    { qboId: null, position: 'CreateTime #4', payload: rows[3] },
    { qboId: '3', position: null, reason: { message: expect.stringContaining('MetaData.CreateTime') } },
  ])
})

test('a row that does not tell its id lets no id count as missing', async () => {
  const { reader } = await companyAnswering(
    answering(200, `{"QueryResponse":{"Bill":[{"Id":null}]},${TIME}}`),
  )
  expect(await reader.byIds('bill', ['1', '2'])).toMatchObject({
    missing: [],
    page: { changes: [], rejects: [{ qboId: null, position: 'read by id #1' }] },
  })
})

test('facts of the company that are damaged or missing are not known', async () => {
  const info = '{"CompanyName":"Harbour","Country":5,"DefaultTimeZone":"Mars/Olympus"}'
  const { reader } = await companyAnswering(
    answering(200, `{"CompanyInfo":${info},"Preferences":{"CurrencyPrefs":[]},${TIME}}`),
  )
  expect(await reader.companyInfo()).toMatchObject({ name: 'Harbour', country: null, timeZone: null })
  expect(await reader.preferences()).toMatchObject({ homeCurrency: null })
})

test('the time zone of a company is taken where it is one', async () => {
  const info = '{"CompanyName":"Harbour","DefaultTimeZone":"America/New_York"}'
  const { reader } = await companyAnswering(answering(200, `{"CompanyInfo":${info},${TIME}}`))
  expect(await reader.companyInfo()).toMatchObject({ timeZone: 'America/New_York' })
})

test('the content type does not matter when the body is in order, nor a byte order mark, nor compression', async () => {
  const body = `\uFEFF{"QueryResponse":{"totalCount":3},${TIME}}`
  const plain = await companyAnswering(answering(200, body, { 'Content-Type': 'text/html' }))
  expect(await plain.reader.count('bill')).toMatchObject({ count: 3 })
  opened?.quickBooks.close()
  await opened?.server.close()

  const zipped = await companyAnswering((_request, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(body))
  })
  expect(await zipped.reader.count('bill')).toMatchObject({ count: 3 })
})

test('a redirect is not followed', async () => {
  const { reader } = await companyAnswering((request, response) => {
    response.writeHead(302, { Location: `http://${request.headers.host}/elsewhere` }).end()
  })
  await expect(reader.count('bill')).rejects.toMatchObject({
    code: 'unavailable',
    details: { httpStatus: 302 },
  })
  expect(opened?.server.requests.map(({ url }) => url.pathname)).not.toContain('/elsewhere')
})

test('a body that is no compression although it says so is unavailable', async () => {
  const { reader } = await companyAnswering(answering(200, 'no gzip', { 'Content-Encoding': 'gzip' }))
  await expect(reader.count('bill')).rejects.toMatchObject({ code: 'unavailable' })
})
