import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { ENTITIES } from '../../src/domain/entity.ts'
import { openSandbox, SANDBOX_NOW_MS, type OpenSandbox } from './open-sandbox.ts'
import { REALM } from './open-company.ts'

let opened: OpenSandbox
let nowMs = SANDBOX_NOW_MS

beforeAll(async () => {
  opened = await openSandbox({ records: 120, now: () => nowMs })
})
afterAll(() => opened.close())

describe('change data capture', () => {
  test('is one call for all entities, since a UTC second', async () => {
    opened.sandbox.calls.clear()
    await opened.reader.changes(ENTITIES, new Date(nowMs - 60_000 + 318))
    expect(opened.sandbox.calls.list()).toMatchObject([
      { operation: 'cdc', entity: 'Vendor,Customer,Account,Bill,Invoice', query: '2026-11-22T15:14:00Z' },
    ])
  })

  test('gives a page for each entity that changed, tombstones with it, and nothing for others', async () => {
    const books = opened.sandbox.books(REALM)
    nowMs += 3_600_000
    const since = new Date(nowMs)
    const vendor = books.createVendor({ name: 'Quarry & Sons' })
    const doomed = books.records('Bill').find(({ Balance }) => Number(Balance) > 0)?.Id ?? ''
    books.deleteTxn('Bill', doomed)
    nowMs += 1_000
    const { objects, overflow, pages, observedAt } = await opened.reader.changes(
      ['vendor', 'customer', 'bill'],
      since,
    )
    expect(pages.get('bill')).toEqual({
      changes: [{ kind: 'tombstone', qboId: doomed, sourceUpdatedAt: since }],
      rejects: [],
      observedAt,
    })
    expect(pages.get('vendor')?.changes).toContainEqual(
      expect.objectContaining({
        kind: 'version',
        qboId: vendor.Id,
        content: expect.objectContaining({ displayName: 'Quarry & Sons' }),
      }),
    )
    expect([pages.has('customer'), overflow, observedAt]).toEqual([false, false, new Date(nowMs)])
    expect(objects).toBe([...pages.values()].reduce((sum, page) => sum + page.changes.length, 0))
  })

  test('rejects a damaged row and a damaged tombstone alone', async () => {
    const books = opened.sandbox.books(REALM)
    nowMs += 3_600_000
    const since = new Date(nowMs)
    const time = '"MetaData":{"CreateTime":"2026-11-23T10:00:00Z","LastUpdatedTime":"2026-11-23T10:00:00Z"}'
    books.putText('Invoice', `{"Id":"7001","TxnDate":"2026-11-18","TotalAmt":"much","Balance":0,${time}}`)
    books.putText(
      'Invoice',
      `{"Id":"7002","TxnDate":"2026-11-18","TotalAmt":12345678901234567890.12,"Balance":0.10,${time}}`,
    )
    nowMs = Date.parse('2026-11-23T10:00:01Z')
    const { pages } = await opened.reader.changes(['invoice'], since)
    expect(pages.get('invoice')?.rejects).toMatchObject([
      { qboId: '7001', position: null, reason: { code: 'invalid_payload' } },
    ])
    expect(pages.get('invoice')?.changes).toMatchObject([
      { qboId: '7002', content: { totalAmount: '12345678901234567890.12', balance: '0.1', currency: 'USD' } },
    ])
  })

  test('says when the answer is as full as it can be', async () => {
    const books = opened.sandbox.books(REALM)
    nowMs += 3_600_000
    const since = new Date(nowMs)
    for (let index = 0; index < 999; index += 1) books.createVendor({ name: `Vendor ${index}` })
    const almost = await opened.reader.changes(['vendor', 'bill'], since)
    expect([almost.objects, almost.overflow]).toEqual([999, false])
    books.createVendor({ name: 'One more' })
    books.createVendor({ name: 'Two more' })
    const full = await opened.reader.changes(['vendor', 'bill'], since)
    expect([full.objects, full.overflow]).toEqual([1_000, true])
  })
})

describe('reading a company', () => {
  test('its name and its home currency', async () => {
    expect(await opened.reader.companyInfo()).toMatchObject({ name: 'Harbour Books', country: 'USA' })
    expect(await opened.reader.preferences()).toMatchObject({ homeCurrency: 'USD' })
  })

  test('a count includes inactive records', async () => {
    const books = opened.sandbox.books(REALM)
    const vendors = books.records('Vendor')
    books.inactivate('Vendor', vendors[0]?.Id ?? '')
    expect(await opened.reader.count('vendor')).toMatchObject({ count: vendors.length })
  })

  test('many ids take several queries, each with an address below 4 kB', async () => {
    opened.sandbox.calls.clear()
    const ids = opened.sandbox
      .books(REALM)
      .records('Vendor')
      .map(({ Id }) => Id)
    const asked = [...ids, ...ids, '999999999', '888888888']
    const { page, missing } = await opened.reader.byIds('vendor', asked)
    expect(page.changes.map(({ qboId }) => qboId).sort()).toEqual([...ids].sort())
    expect(missing).toEqual(['999999999', '888888888'])
    const calls = opened.sandbox.calls.list()
    expect(calls.length).toBeGreaterThan(2)
    expect(Math.max(...calls.map(({ query }) => encodeURIComponent(query ?? '').length))).toBeLessThan(3_800)
  })

  test('a realm that is no number is refused before anything is sent', () => {
    expect(() => opened.open({ realmId: '1/../2' })).toThrow(expect.objectContaining({ code: 'internal' }))
  })
})
