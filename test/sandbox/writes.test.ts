import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { REALM, startIntuit } from './intuit.ts'
import type { Intuit } from './intuit.ts'

let intuit: Intuit

beforeEach(async () => {
  intuit = await startIntuit({ records: 30 })
})
afterEach(() => intuit.sandbox.stop())

describe('an attempt to write over the API', () => {
  test.each([
    ['a create', 'bill', '{"VendorRef":{"value":"1"},"Line":[]}'],
    ['a delete', 'bill?operation=delete', '{"Id":"2","SyncToken":"0"}'],
    ['a void', 'invoice?operation=void', '{"Id":"3","SyncToken":"0"}'],
    ['a batch with one write', 'batch', '{"BatchItemRequest":[{"bId":"1","operation":"create","Bill":{}}]}'],
  ])('%s is refused, recorded and not done', async (_name, path, body) => {
    const before = intuit.books.recordsText('Bill')
    const reply = await intuit.post(path, body)
    expect(reply.status).toBe(403)
    expect(reply.json).toMatchObject({ Fault: { type: 'AuthorizatonFault' } })
    expect(intuit.sandbox.writes()).toEqual([
      { atMs: intuit.clock.ms, realmId: REALM, method: 'POST', path: `/v3/company/${REALM}/${path}`, body },
    ])
    expect(intuit.books.recordsText('Bill')).toEqual(before)
    expect(intuit.sandbox.calls.meteredCount()).toBe(0)
  })

  test('a query sent as a body is no write', async () => {
    const { status } = await intuit.post('query', 'select count(*) from Bill')
    expect(status).toBe(200)
    expect(intuit.sandbox.writes()).toEqual([])
  })
})

describe('the log of calls', () => {
  test('tells what was asked, and counts what Intuit would bill', async () => {
    await intuit.query("select * from bill where DocNumber = 'A&B'")
    await intuit.get('bill/99999')
    await intuit.cdc('Bill,Account', '2026-11-22T00:00:00Z')
    await intuit.get(`companyinfo/${REALM}`)
    await intuit.refresh(intuit.sandbox.companies()[0]?.refreshToken ?? '')
    const told = intuit.sandbox.calls
      .list()
      .map(({ realmId, operation, entity, query, status, metered }) => ({
        realmId,
        operation,
        entity,
        query,
        status,
        metered,
      }))
    expect(told).toEqual([
      {
        realmId: REALM,
        operation: 'query',
        entity: 'Bill',
        query: "select * from bill where DocNumber = 'A&B'",
        status: 200,
        metered: true,
      },
      { realmId: REALM, operation: 'read', entity: 'Bill', query: null, status: 400, metered: false },
      {
        realmId: REALM,
        operation: 'cdc',
        entity: 'Bill,Account',
        query: '2026-11-22T00:00:00Z',
        status: 200,
        metered: true,
      },
      {
        realmId: REALM,
        operation: 'companyinfo',
        entity: 'CompanyInfo',
        query: null,
        status: 200,
        metered: true,
      },
      {
        realmId: REALM,
        operation: 'token',
        entity: null,
        query: 'refresh_token',
        status: 200,
        metered: false,
      },
    ])
    expect(intuit.sandbox.calls.meteredCount()).toBe(3)
    expect(intuit.sandbox.calls.meteredCount('another')).toBe(0)
    intuit.sandbox.calls.clear()
    expect(intuit.sandbox.calls.list()).toEqual([])
    expect(intuit.sandbox.calls.meteredCount(REALM)).toBe(0)
  })
})
