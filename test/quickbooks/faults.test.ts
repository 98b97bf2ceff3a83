import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import type { ErrorCode, ErrorDetails } from '../../src/domain/ledger-error.ts'
import { startListing } from '../../src/quickbooks/listing-cursor.ts'
import type { FaultKind } from '../../src/sandbox/sandbox.ts'
import { openSandbox, SANDBOX_NOW_MS, type OpenSandbox } from './open-sandbox.ts'

let opened: OpenSandbox
beforeAll(async () => {
  opened = await openSandbox({ quickBooks: { callTimeoutMs: 2_000 } })
})
afterEach(() => opened.sandbox.faults.clear())
afterAll(() => opened.close())

const SINCE = new Date(SANDBOX_NOW_MS - 3_600_000)

/** What a fault becomes: its code, and what else must be known of it. */
const FAULTS: [FaultKind, ErrorCode, ErrorDetails][] = [
  ['throttled429', 'throttled', { faultCode: '3001', httpStatus: 429 }],
  ['throttled429Gateway', 'throttled', { faultCode: '3001', httpStatus: 429 }],
  ['throttled429Xml', 'throttled', { faultCode: '3001', httpStatus: 429 }],
  ['throttled403', 'throttled', { faultCode: '3001', httpStatus: 403 }],
  ['quotaExhausted', 'throttled', { httpStatus: 429 }],
  ['company6190', 'company_unavailable', { faultCode: '6190', httpStatus: 400 }],
  ['company6190With200', 'company_unavailable', { faultCode: '6190', httpStatus: 200 }],
  ['noDestination7001', 'company_unavailable', { faultCode: '7001', httpStatus: 403 }],
  ['noDestination7001With400', 'company_unavailable', { faultCode: '7001', httpStatus: 400 }],
  ['expired3200', 'unavailable', { faultCode: '3200', httpStatus: 401 }],
  ['auth100', 'needs_reauth', { faultCode: '100', httpStatus: 401, ambiguous: true }],
  ['auth120', 'needs_reauth', { faultCode: '120', httpStatus: 401 }],
  ['wrongCluster130', 'unavailable', { faultCode: '130', httpStatus: 401 }],
  ['forbidden3100', 'needs_reauth', { faultCode: '3100', httpStatus: 403, ambiguous: true }],
  ['forbidden3100With500', 'needs_reauth', { faultCode: '3100', httpStatus: 500, ambiguous: true }],
  ['notFound404', 'unavailable', { faultCode: null, httpStatus: 404 }],
  ['server500', 'unavailable', { faultCode: '500', httpStatus: 500 }],
  ['systemFault10000', 'unavailable', { faultCode: '10000', httpStatus: 500 }],
  ['systemFault10000With400', 'unavailable', { faultCode: '10000', httpStatus: 400 }],
  ['unavailable502Html', 'unavailable', { faultCode: null, httpStatus: 502 }],
  ['unavailable503Html', 'unavailable', { faultCode: null, httpStatus: 503 }],
  ['gatewayTimeout6002', 'unavailable', { faultCode: '6002', httpStatus: 504 }],
  ['fault200', 'unavailable', { faultCode: '10000', httpStatus: 200 }],
  ['fault200LowerCase', 'throttled', { faultCode: '3001', httpStatus: 200 }],
  ['html200', 'unavailable', { faultCode: null, httpStatus: 200 }],
  ['emptyBody200', 'unavailable', { faultCode: null, httpStatus: 200 }],
  ['truncatedJson', 'unavailable', { faultCode: null, httpStatus: 200 }],
]

describe.each(FAULTS)('%s', (kind, code, details) => {
  const wanted = {
    code,
    details: expect.objectContaining({ intuitTid: expect.stringMatching(/^1-/), ...details }),
  }

  test(`is ${code} of every call`, async () => {
    opened.sandbox.faults.add({ kind })
    const { reader } = opened
    await expect(reader.changes(['bill', 'invoice'], SINCE)).rejects.toMatchObject(wanted)
    await expect(reader.listPage('bill', startListing('created', null))).rejects.toMatchObject(wanted)
    await expect(reader.count('vendor')).rejects.toMatchObject(wanted)
    await expect(reader.byIds('invoice', ['1'])).rejects.toMatchObject(wanted)
    await expect(reader.companyInfo()).rejects.toMatchObject(wanted)
    await expect(reader.preferences()).rejects.toMatchObject(wanted)
  })
})

test.each<[FaultKind, string]>([
  ['connectionReset', 'reset'],
  ['connectionResetMidBody', 'reset'],
])('%s is unavailable, and is reported as %s', async (kind, status) => {
  opened.sandbox.faults.add({ kind })
  const { reader, calls } = opened.open()
  await expect(reader.count('bill')).rejects.toMatchObject({ code: 'unavailable' })
  // A 2xx that broke in its middle has been counted by Intuit.
  const metered = kind === 'connectionResetMidBody'
  expect(calls).toEqual([{ operation: 'count', status, durationMs: 0, metered, intuitTid: null }])
})

test('an answer that never comes is unavailable after the time limit, and is reported as timeout', async () => {
  opened.sandbox.faults.add({ kind: 'hang' })
  const { reader, calls } = opened.open()
  await expect(reader.count('bill')).rejects.toMatchObject({
    code: 'unavailable',
    message: 'QuickBooks did not answer within 2000 ms',
  })
  expect(calls).toMatchObject([{ operation: 'count', status: 'timeout', metered: false }])
})

test('a fault in one group of change data capture fails the whole answer', async () => {
  opened.sandbox.faults.add({ kind: 'groupFault' })
  await expect(opened.reader.changes(['bill', 'invoice', 'vendor'], SINCE)).rejects.toMatchObject({
    details: { httpStatus: 200, faultCode: expect.stringMatching(/\d/) },
  })
})

test('Retry-After travels with the error', async () => {
  opened.sandbox.faults.add({ kind: 'throttled429', retryAfterSeconds: 17 })
  await expect(opened.reader.count('bill')).rejects.toMatchObject({
    code: 'throttled',
    details: { retryAfterSeconds: 17 },
  })
})

test('change data capture that is asked for too much of the past is window_exceeded', async () => {
  const longAgo = new Date(SANDBOX_NOW_MS - 31 * 86_400_000)
  await expect(opened.reader.changes(['bill'], longAgo)).rejects.toMatchObject({
    code: 'window_exceeded',
    details: { httpStatus: 400 },
  })
})

test('a call that fails is reported once, metered only where Intuit answered 2xx', async () => {
  const { reader, calls } = opened.open()
  opened.sandbox.faults.add({ kind: 'server500', times: 1 })
  await expect(reader.count('bill')).rejects.toMatchObject({ code: 'unavailable' })
  opened.sandbox.faults.add({ kind: 'html200', times: 1 })
  await expect(reader.count('bill')).rejects.toMatchObject({ code: 'unavailable' })
  await reader.count('bill')
  const intuitTid = expect.stringMatching(/^1-/)
  expect(calls).toEqual([
    { operation: 'count', status: '500', durationMs: 0, metered: false, intuitTid },
    { operation: 'count', status: '200', durationMs: 0, metered: true, intuitTid },
    { operation: 'count', status: '200', durationMs: 0, metered: true, intuitTid },
  ])
})

describe('a record that breaks its page', () => {
  test('becomes a reject of the listing, and everything else is read', async () => {
    const bills = opened.sandbox.books('4620816300000000001').records('Bill')
    const poisoned = bills[Math.floor(bills.length / 2)]?.Id ?? ''
    opened.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Bill', recordId: poisoned })
    const { page } = await opened.reader.listPage('bill', startListing('created', null))
    expect(page.rejects).toMatchObject([{ qboId: null, reason: { code: 'poisoned_page' } }])
  })

  test('asked for by its id becomes a reject that names it', async () => {
    const ids = opened.sandbox
      .books('4620816300000000001')
      .records('Bill')
      .map(({ Id }) => Id)
    const poisoned = ids[1] ?? ''
    opened.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Bill', recordId: poisoned })
    const { page, missing } = await opened.reader.byIds('bill', [...ids, '999999'])
    expect(page.changes.map(({ qboId }) => qboId).sort()).toEqual(ids.filter((id) => id !== poisoned).sort())
    expect(page.rejects).toMatchObject([{ qboId: poisoned, reason: { code: 'poisoned_page' } }])
    expect(missing).toEqual(['999999'])
  })

  test('is found among others asked for by their ids, whatever it is refused with', async () => {
    const ids = opened.sandbox
      .books('4620816300000000001')
      .records('Invoice')
      .map(({ Id }) => Id)
    const [recordId = ''] = ids
    for (const refusal of [{ status: 400, code: '4002' }, { status: 500, code: '4002' }, { code: '4001' }]) {
      opened.sandbox.faults.clear()
      opened.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Invoice', recordId, ...refusal })
      const { page } = await opened.reader.byIds('invoice', ids)
      expect(page.changes).toHaveLength(ids.length - 1)
      expect(page.rejects).toMatchObject([{ qboId: recordId, reason: { code: 'poisoned_page' } }])
    }
  })

  test('is all that is asked for, or one of many such: the others and the next runs do not suffer', async () => {
    const ids = opened.sandbox
      .books('4620816300000000001')
      .records('Bill')
      .map(({ Id }) => Id)
    expect(ids.length).toBeGreaterThan(6)
    for (const recordId of ids)
      opened.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Bill', recordId })
    const { page, missing } = await opened.reader.byIds('bill', ids)
    expect(page.rejects.map(({ qboId }) => qboId)).toEqual(ids)
    expect(missing).toEqual([])
  })

  test('and is all that is asked for: a question about no record shows that QuickBooks works', async () => {
    const poisoned = opened.sandbox.books('4620816300000000001').records('Bill')[0]?.Id ?? ''
    opened.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Bill', recordId: poisoned })
    const { page, missing } = await opened.reader.byIds('bill', [poisoned])
    expect(page).toMatchObject({
      changes: [],
      rejects: [{ qboId: poisoned }],
      observedAt: new Date(SANDBOX_NOW_MS),
    })
    expect(missing).toEqual([])
  })
})

test('when no record of many can be read by its id, it is QuickBooks that does not work', async () => {
  opened.sandbox.faults.add({ kind: 'systemFault10000' })
  const { reader, calls } = opened.open()
  const ids = Array.from({ length: 200 }, (_, index) => String(index + 1))
  await expect(reader.byIds('bill', ids)).rejects.toMatchObject({ code: 'unavailable' })
  expect(calls.length).toBeLessThan(25)
})

describe('an access token that expired', () => {
  test('is renewed once, and the call repeated once', async () => {
    const stale: string[] = []
    const { reader, calls } = opened.open({
      accessToken: () => Promise.resolve('long-expired'),
      renewAccessToken: async (token) => {
        stale.push(token)
        const refreshToken = opened.sandbox.companies()[0]?.refreshToken ?? ''
        return (await opened.quickBooks.refreshTokens(refreshToken)).accessToken
      },
    })
    expect((await reader.count('vendor')).count).toBeGreaterThan(0)
    expect(stale).toEqual(['long-expired'])
    expect(calls.map(({ status }) => status)).toEqual(['401', '200'])
  })

  test('and is refused again is unavailable: nothing goes round in circles', async () => {
    const { reader, calls } = opened.open({
      accessToken: () => Promise.resolve('a'),
      renewAccessToken: () => Promise.resolve('b'),
    })
    await expect(reader.count('vendor')).rejects.toMatchObject({ code: 'unavailable' })
    expect(calls.map(({ status }) => status)).toEqual(['401', '401'])
  })

  test('and cannot be renewed gives the reason', async () => {
    const { reader } = opened.open({
      accessToken: () => Promise.resolve('a'),
      renewAccessToken: () => Promise.reject(new Error('no connection')),
    })
    await expect(reader.count('vendor')).rejects.toThrow('no connection')
  })
})
