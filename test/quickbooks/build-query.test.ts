import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { countQuery, idsQuery, listingQuery, literal } from '../../src/quickbooks/build-query.ts'
import { createClient } from '../../src/quickbooks/node-quickbooks.ts'
import { answering, startLoopbackServer, type LoopbackServer } from './loopback-server.ts'

describe('the conditions of a query', () => {
  test('a listing of transactions from a second on', () => {
    const slice = { field: 'CreateTime', since: '2026-11-02T09:00:00-08:00', offset: 0, rows: 1000 } as const
    expect(listingQuery('bill', slice)).toBe(
      "WHERE MetaData.CreateTime >= '2026-11-02T09:00:00-08:00' ORDERBY MetaData.CreateTime STARTPOSITION 1 MAXRESULTS 1000",
    )
  })

  test('a listing of a list asks for inactive rows too', () => {
    const slice = { field: 'LastUpdatedTime', since: null, offset: 250, rows: 125 } as const
    expect(listingQuery('balance', slice)).toBe(
      'WHERE Active IN (true,false) ORDERBY MetaData.LastUpdatedTime STARTPOSITION 251 MAXRESULTS 125',
    )
  })

  test('ids and counts', () => {
    expect(idsQuery('invoice', ['1', '22'])).toBe("WHERE Id IN ('1','22') STARTPOSITION 1 MAXRESULTS 1000")
    expect(idsQuery('vendor', ['3'])).toBe(
      "WHERE Active IN (true,false) AND Id IN ('3') STARTPOSITION 1 MAXRESULTS 1000",
    )
    expect([countQuery('bill'), countQuery('customer')]).toEqual(['', 'WHERE Active IN (true,false)'])
  })
})

describe('a literal', () => {
  test('escapes the apostrophe and the backslash', () => {
    expect(literal(String.raw`O'Br\ien`)).toBe(String.raw`'O\'Br\\ien'`)
  })

  test('reads back as the text it was made of, and ends where it should', () => {
    const text = fc.string({ unit: 'binary' }).filter((value) => !/[\u0000-\u001f\u007f]/.test(value))
    fc.assert(
      fc.property(text, (value) => {
        expect(readLiteral(`${literal(value)} AND Id = '1'`)).toEqual({ value, rest: " AND Id = '1'" })
      }),
    )
  })

  test.each(['a\nb', '\t', '\u0000', '\u007f'])('refuses %j, which an address would lose', (text) => {
    expect(() => literal(text)).toThrow(expect.objectContaining({ code: 'internal' }))
  })
})

describe('a query on the wire', () => {
  let server: LoopbackServer
  beforeAll(async () => {
    server = await startLoopbackServer(answering(200, '{"QueryResponse":{}}'))
  })
  afterAll(() => server.close())

  test.each([
    String.raw`O'Br\ien & Söhne #1 100% a+b = c < d > e ? f / g ; h : i , "j" {k} [l] ^ | ~ @@ $&`,
    "WHERE Id IN ('1','2')",
    '日本語',
  ])('arrives as it was written: %s', async (text) => {
    const client = createClient({ apiBaseUrl: server.apiBaseUrl, realmId: '1', accessToken: 't' })
    await new Promise((resolve) => client.findBills(`WHERE DocNumber = ${literal(text)}`, resolve))
    const { url } = server.requests.at(-1) ?? {}
    expect(url?.searchParams.get('query')).toBe(`select * from bill WHERE DocNumber = ${literal(text)}`)
    expect([url?.pathname, url?.searchParams.get('minorversion')]).toEqual(['/v3/company/1/query', '75'])
  })
})

/** Reads the literal at the beginning of a text as QuickBooks' query language does. */
function readLiteral(text: string): { value: string; rest: string } {
  let value = ''
  let at = 1
  for (; text[at] !== "'"; at += 1) {
    if (text[at] === '\\') at += 1
    value += text[at]
  }
  return { value, rest: text.slice(at + 1) }
}
