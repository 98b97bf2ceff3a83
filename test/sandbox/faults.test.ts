import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { FAULT_KINDS } from '../../src/sandbox/faults.ts'
import type { FaultKind } from '../../src/sandbox/faults.ts'
import { groupsOf, idsOf, REALM, startIntuit } from './intuit.ts'
import type { Intuit } from './intuit.ts'

const TIME = '"time":"2026-11-22T07:15:02.318-08:00"'
const SYSTEM_FAULT =
  '{"Fault":{"Error":[{"Message":"An application error has occurred while processing your request","Detail":' +
  '"An unexpected error occurred while accessing or saving your data.","code":"10000","element":""}],' +
  `"type":"SystemFault"},${TIME}}`
const THROTTLED =
  '{"Fault":{"Error":[{"Message":"message=ThrottleExceeded; errorCode=003001; statusCode=429","Detail":' +
  `"the request limit was reached","code":"3001","element":""}],"type":"SERVICE"},${TIME}}`

let intuit: Intuit

beforeAll(async () => {
  intuit = await startIntuit({ records: 60 })
})
afterEach(() => {
  intuit.sandbox.faults.clear()
  intuit.sandbox.calls.clear()
})
afterAll(() => intuit.sandbox.stop())

const seen = new Set<FaultKind>()

function on(
  kind: FaultKind,
  more: Omit<Parameters<Intuit['sandbox']['faults']['add']>[0], 'kind'> = {},
): string {
  seen.add(kind)
  return intuit.sandbox.faults.add({ kind, ...more })
}

const BILLS = 'select * from Bill maxresults 5'

function token(): string {
  return intuit.sandbox.companies()[0]?.refreshToken ?? ''
}

describe('answers of the service family', () => {
  test.each<[FaultKind, number, string]>([
    ['throttled429', 429, THROTTLED],
    ['throttled403', 403, THROTTLED],
    ['systemFault10000', 500, SYSTEM_FAULT],
    ['systemFault10000With400', 400, SYSTEM_FAULT],
    ['fault200', 200, SYSTEM_FAULT],
    [
      'server500',
      500,
      '{"Fault":{"Error":[{"Message":"Unsupported Operation","Detail":"Operation is not supported.","code":"500",' +
        `"element":""}],"type":"SystemFault"},${TIME}}`,
    ],
    [
      'quotaExhausted',
      429,
      THROTTLED.replace('the request limit', 'The monthly limit of CorePlus API calls of this workspace'),
    ],
    [
      'company6190',
      400,
      '{"Fault":{"Error":[{"Message":"Invalid Company Status","Detail":"Subscription period has ended or canceled or ' +
        `there was a billing problem","code":"6190","element":""}],"type":"ValidationFault"},${TIME}}`,
    ],
    [
      'company6190With200',
      200,
      '{"Fault":{"Error":[{"Message":"Invalid Company Status","Detail":"Subscription period has ended or canceled or ' +
        `there was a billing problem","code":"6190","element":""}],"type":"ValidationFault"},${TIME}}`,
    ],
  ])('%s is %i', async (kind, status, text) => {
    on(kind)
    const reply = await intuit.query(BILLS)
    expect(reply.status).toBe(status)
    expect(reply.text).toBe(text)
    expect(reply.headers.get('content-type')).toContain('application/json')
    expect(reply.headers.get('intuit_tid')).not.toBeNull()
  })
})

describe('answers of the gateway family', () => {
  test.each<[FaultKind, number, string, string, string]>([
    ['throttled429Gateway', 429, '003001', 'SERVICE', 'errorCode=003001'],
    ['expired3200', 401, '3200', 'AUTHENTICATION', 'errorCode=003200'],
    ['auth100', 401, '100', 'AUTHENTICATION', 'errorCode=000100'],
    ['auth120', 401, '120', 'AUTHENTICATION', 'errorCode=000120'],
    ['wrongCluster130', 401, '130', 'AUTHENTICATION', 'message=WrongCluster'],
    ['forbidden3100', 403, '3100', 'AUTHORIZATION', 'message=ApplicationAuthorizationFailed'],
    ['forbidden3100With500', 500, '3100', 'AUTHORIZATION', 'statusCode=500'],
    ['noDestination7001', 403, '7001', 'AUTHORIZATION', 'errorCode=007001'],
    ['noDestination7001With400', 400, '7001', 'AUTHORIZATION', 'statusCode=400'],
    ['gatewayTimeout6002', 504, '6002', 'SERVICE', 'errorCode=006002'],
    ['fault200LowerCase', 200, '003001', 'SERVICE', 'errorCode=003001'],
  ])('%s is %i with code %s', async (kind, status, code, type, message) => {
    on(kind)
    const reply = await intuit.query(BILLS)
    expect(reply.status).toBe(status)
    expect(reply.json).toMatchObject({
      warnings: null,
      fault: { error: [{ message: expect.stringContaining(message), code, element: null }], type },
      time: intuit.clock.ms,
      cdcresponse: [],
    })
    expect(reply.json).not.toHaveProperty('Fault')
  })
})

describe('answers that are no JSON', () => {
  test.each<[FaultKind, number, string, string]>([
    ['throttled429Xml', 429, 'application/xml', '<Error code="3001">'],
    ['notFound404', 404, 'text/html', 'Not Found'],
    ['unavailable502Html', 502, 'text/html', 'be back soon'],
    ['unavailable503Html', 503, 'text/html', '503 Service Temporarily Unavailable'],
    ['html200', 200, 'text/html', '<html>'],
  ])('%s is %i as %s', async (kind, status, contentType, part) => {
    on(kind)
    const reply = await intuit.query(BILLS)
    expect(reply.status).toBe(status)
    expect(reply.headers.get('content-type')).toContain(contentType)
    expect(reply.text).toContain(part)
  })

  test('emptyBody200 says JSON and is nothing', async () => {
    on('emptyBody200')
    const reply = await intuit.query(BILLS)
    expect([reply.status, reply.text]).toEqual([200, ''])
    expect(reply.headers.get('content-type')).toContain('application/json')
  })

  test('truncatedJson ends in the middle, in good order', async () => {
    const whole = await intuit.query(BILLS)
    on('truncatedJson')
    const { status, text } = await intuit.query(BILLS)
    expect(status).toBe(200)
    expect(text.length).toBeGreaterThan(100)
    expect(text.length).toBeLessThan(whole.text.length)
    expect(whole.text.startsWith(text)).toBe(true)
  })
})

describe('connections', () => {
  test('connectionReset gives no answer, and none is counted', async () => {
    on('connectionReset', { times: 1 })
    await expect(intuit.query(BILLS)).rejects.toThrow()
    expect(intuit.sandbox.calls.list()).toMatchObject([{ operation: 'query', status: null, metered: false }])
    expect((await intuit.query(BILLS)).status).toBe(200)
  })

  test('connectionResetMidBody begins an answer that counts', async () => {
    on('connectionResetMidBody')
    await expect(intuit.query(BILLS)).rejects.toThrow()
    expect(intuit.sandbox.calls.list()).toMatchObject([{ status: 200, metered: true }])
  })

  test('hang answers when it is taken away', async () => {
    const id = on('hang', { times: 1 })
    const hanging = intuit.query(BILLS)
    expect((await intuit.query('select count(*) from Bill')).status).toBe(200)
    expect(intuit.sandbox.calls.list()[0]).toMatchObject({ query: BILLS, status: null })
    intuit.sandbox.faults.remove(id)
    expect((await hanging).status).toBe(200)
  })

  test('a stop ends what hangs', async () => {
    const other = await startIntuit()
    other.sandbox.faults.add({ kind: 'hang' })
    const hanging = expect(other.query(BILLS)).rejects.toThrow()
    while (other.sandbox.calls.list().length === 0) await new Promise((resolve) => setImmediate(resolve))
    await other.sandbox.stop()
    await hanging
  })

  test('slow answers all the same', async () => {
    on('slow', { delayMs: 5 })
    expect((await intuit.query(BILLS)).status).toBe(200)
  })
})

describe('pages that are not what they should be', () => {
  test('limitPlusOne serves a row too many', async () => {
    on('limitPlusOne')
    const reply = await intuit.query(BILLS)
    expect(idsOf(reply, 'Bill')).toHaveLength(6)
    expect(reply.json).toMatchObject({ QueryResponse: { maxResults: 6 } })
  })

  test('shortPage serves too few although there are more', async () => {
    on('shortPage', { rows: 2 })
    expect(idsOf(await intuit.query(BILLS), 'Bill')).toHaveLength(3)
  })

  test('poisonedRecord fails the page that would hold it and no other', async () => {
    const ids = intuit.books.records('Bill').map(({ Id }) => Id)
    on('poisonedRecord', { entity: 'Bill', recordId: ids[2] ?? '' })
    expect((await intuit.query('select * from Bill maxresults 2')).status).toBe(200)
    const page = await intuit.query('select * from Bill startposition 3 maxresults 1')
    expect([page.status, page.text]).toEqual([500, SYSTEM_FAULT])
    expect((await intuit.query('select * from Bill startposition 4 maxresults 2')).status).toBe(200)
    expect((await intuit.get(`bill/${ids[2]}`)).status).toBe(500)
    expect((await intuit.query('select count(*) from Bill')).status).toBe(200)
  })

  test.each([400, 500])(
    'poisonedRecord refuses with the status %i and the code that it is given',
    async (status) => {
      const [bill] = intuit.books.records('Bill')
      const { Id: recordId } = intuit.books.touch('Bill', bill!.Id)
      on('poisonedRecord', { entity: 'Bill', recordId, status, code: '4002' })
      for (const reply of [await intuit.query(BILLS), await intuit.cdc('Bill', '2026-11-01T00:00:00Z')]) {
        expect(reply.status).toBe(status)
        expect(reply.json).toMatchObject({ Fault: { Error: [{ code: '4002' }], type: 'ValidationFault' } })
      }
    },
  )

  test('any fault can be kept for queries that ask for more rows than some', async () => {
    on('gatewayTimeout6002', { moreThanRows: 3 })
    expect((await intuit.query('select * from Bill maxresults 3')).status).toBe(200)
    expect((await intuit.query('select * from Bill maxresults 4')).status).toBe(504)
    expect((await intuit.query('select count(*) from Bill')).status).toBe(200)
    expect((await intuit.cdc('Bill', '2026-11-01T00:00:00Z')).status).toBe(200)
  })

  test('scrambleTies changes the order inside a second, between two calls, and nothing else', async () => {
    const vendors = 'select * from Vendor orderby MetaData.LastUpdatedTime maxresults 1000'
    for (let made = 0; made < 12; made += 1) intuit.books.createVendor({ name: `Same second ${made}` })
    const straight = idsOf(await intuit.query(vendors), 'Vendor')
    on('scrambleTies')
    const first = idsOf(await intuit.query(vendors), 'Vendor')
    const second = idsOf(await intuit.query(vendors), 'Vendor')
    expect(first).not.toEqual(second)
    expect([...first].sort()).toEqual([...straight].sort())
    const times = first.map((id) => intuit.books.record('Vendor', id)?.MetaData.LastUpdatedTime ?? '')
    expect(times).toEqual([...times].sort())
  })

  test('staleRead knows nothing of the last half minute', async () => {
    const other = await startIntuit()
    const { books } = other
    const vendorId = books.createVendor({ name: 'Old' }).Id
    const { Id: kept } = books.createBill({ vendorId, amount: '10' })
    const { Id: doomed } = books.createBill({ vendorId, amount: '11' })
    other.clock.ms += 60_000
    books.editBill(kept, { amount: '20' })
    books.deleteTxn('Bill', doomed)
    const { Id: fresh } = books.createBill({ vendorId, amount: '30' })
    seen.add('staleRead')
    other.sandbox.faults.add({ kind: 'staleRead', lagSeconds: 30 })
    expect((await other.get(`bill/${kept}`)).json).toMatchObject({ Bill: { TotalAmt: 10, SyncToken: '0' } })
    expect((await other.get(`bill/${fresh}`)).status).toBe(400)
    expect(idsOf(await other.query('select * from Bill'), 'Bill')).toEqual([kept, doomed])
    const reply = await other.cdc('Bill', '2026-11-22T07:15:02-08:00')
    expect(groupsOf(reply)).toMatchObject([{ Bill: [{ Id: kept }, { Id: doomed }], totalCount: 2 }])
    await other.sandbox.stop()
  })

  test('groupFault spoils one group of CDC, and a query within 200', async () => {
    on('groupFault', { entity: 'Invoice' })
    const reply = await intuit.cdc('Bill,Invoice,Account', '2026-11-01T00:00:00Z')
    expect(reply.status).toBe(200)
    expect(groupsOf(reply)[1]).toMatchObject({ Fault: { Error: [{ code: '10000' }], type: 'SystemFault' } })
    expect(groupsOf(reply)[0]).not.toHaveProperty('Fault')
    const query = await intuit.query('select * from Invoice')
    expect(query.status).toBe(200)
    expect(query.json).toMatchObject({ QueryResponse: { Fault: { type: 'SystemFault' } } })
  })
})

describe('the token server', () => {
  test.each<[FaultKind, number, string]>([
    [
      'invalidGrant',
      400,
      '{"error":"invalid_grant","error_description":"Incorrect or invalid refresh token"}',
    ],
    ['invalidClient', 401, '{"error":"invalid_client"}'],
  ])('%s is %i', async (kind, status, text) => {
    on(kind)
    const reply = await intuit.refresh(token())
    expect([reply.status, reply.text]).toEqual([status, text])
    expect((await intuit.query(BILLS)).status).toBe(200)
  })

  test('tokenThrottled429 has nothing to read', async () => {
    on('tokenThrottled429')
    const reply = await intuit.refresh(token())
    expect([reply.status, reply.text]).toEqual([429, ''])
  })

  test('tokenServer503 is HTML', async () => {
    on('tokenServer503')
    const reply = await intuit.refresh(token())
    expect(reply.status).toBe(503)
    expect(reply.text).toContain('<html>')
  })

  test('tokenHang answers when it is taken away', async () => {
    const id = on('tokenHang')
    const hanging = intuit.refresh(token())
    while (intuit.sandbox.calls.list().length === 0) await new Promise((resolve) => setImmediate(resolve))
    intuit.sandbox.faults.remove(id)
    expect((await hanging).status).toBe(200)
  })

  test('tokenLostResponse rotates the token and does not say so', async () => {
    const other = await startIntuit()
    const current = () => other.sandbox.companies()[0]?.refreshToken ?? ''
    other.clock.ms += 86_400_000
    const before = current()
    seen.add('tokenLostResponse')
    other.sandbox.faults.add({ kind: 'tokenLostResponse', times: 1 })
    await expect(other.refresh(before)).rejects.toThrow()
    expect(current()).not.toBe(before)
    expect((await other.refresh(before)).json).toMatchObject({ refresh_token: current() })
    await other.sandbox.stop()
  })
})

describe('where and how often a fault strikes', () => {
  test('as many times as asked, and Retry-After goes along', async () => {
    on('throttled429', { times: 2, retryAfterSeconds: 17 })
    const replies = [await intuit.query(BILLS), await intuit.query(BILLS), await intuit.query(BILLS)]
    expect(replies.map(({ status }) => status)).toEqual([429, 429, 200])
    expect(replies[0]?.headers.get('retry-after')).toBe('17')
    expect(intuit.sandbox.faults.list()).toMatchObject([{ kind: 'throttled429', strikesLeft: 0 }])
  })

  test('one operation, one entity, one company', async () => {
    on('server500', { operation: 'cdc', entity: 'bill', realmId: REALM })
    on('server500', { realmId: '1' })
    expect((await intuit.query(BILLS)).status).toBe(200)
    expect((await intuit.cdc('Invoice', '2026-11-22T00:00:00Z')).status).toBe(200)
    expect((await intuit.cdc('Invoice,Bill', '2026-11-22T00:00:00Z')).status).toBe(500)
  })

  test('the token server only when it is named', async () => {
    on('unavailable503Html')
    expect((await intuit.refresh(token())).status).toBe(200)
    on('unavailable503Html', { operation: 'token' })
    expect((await intuit.refresh(token())).status).toBe(503)
  })

  test('refused calls are not metered', async () => {
    on('throttled429')
    await intuit.query(BILLS)
    expect(intuit.sandbox.calls.meteredCount()).toBe(0)
  })

  test('an unknown kind is refused', () => {
    expect(() => intuit.sandbox.faults.add({ kind: 'rain' as FaultKind })).toThrow(
      '"rain" is no kind of fault',
    )
  })
})

describe('limits', () => {
  test('ten calls a second and five hundred a minute', async () => {
    const other = await startIntuit()
    other.sandbox.faults.add({ kind: 'enforceLimits' })
    const statuses = async (count: number) => {
      const replies = []
      for (let made = 0; made < count; made += 1) replies.push((await other.get('preferences')).status)
      return replies
    }
    expect(await statuses(11)).toEqual([...Array<number>(10).fill(200), 429])
    let admitted = 10
    for (let second = 0; second < 50; second += 1) {
      other.clock.ms += 1000
      admitted += (await statuses(10)).filter((status) => status === 200).length
    }
    expect(admitted).toBe(500)
    other.clock.ms += 60_000
    expect(await statuses(1)).toEqual([200])
    await other.sandbox.stop()
  })

  test('a month has so many calls', async () => {
    on('enforceLimits', { monthlyQuota: 2 })
    const replies = [await intuit.query(BILLS), await intuit.query(BILLS), await intuit.query(BILLS)]
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(replies[2]?.text).toContain('CorePlus')
  })
})

test('every kind of fault was tried above', () => {
  expect(FAULT_KINDS.filter((kind) => !seen.has(kind))).toEqual([])
})
