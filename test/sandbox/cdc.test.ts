import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { groupsOf, startIntuit, START_MS } from './intuit.ts'
import type { Intuit, Reply } from './intuit.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const SINCE = '2026-11-22T07:15:03-08:00'

let intuit: Intuit

beforeEach(async () => {
  intuit = await startIntuit()
  intuit.clock.ms = START_MS + MINUTE_MS
})
afterEach(() => intuit.sandbox.stop())

function idsIn(reply: Reply, entity: string): string[] {
  const group = groupsOf(reply).find((candidate) => entity in candidate)
  return ((group?.[entity] ?? []) as { Id: string }[]).map(({ Id }) => Id)
}

describe('change data capture', () => {
  test('tells what changed, group by group, tombstones after live rows', async () => {
    const { books } = intuit
    const vendorId = books.createVendor({ name: 'Northwind Paper' }).Id
    const doomed = books.createBill({ vendorId, amount: '10' }).Id
    const kept = books.createBill({ vendorId, amount: '88.2' }).Id
    books.deleteTxn('Bill', doomed)
    const { text } = await intuit.cdc('Bill,Invoice,Vendor', SINCE)
    const [bill] = books.recordsText('Bill')
    const told = bill!
      .replace('"sparse":false,', '"LinkedTxn":[],')
      .replaceAll('"BillableStatus":"NotBillable",', '')
    const [vendor] = books
      .recordsText('Vendor')
      .map((vendorText) => vendorText.replace('"sparse":false,', '"BillAddr":{},"OtherContactInfo":[],'))
    expect(text).toBe(
      `{"CDCResponse":[{"QueryResponse":[{"Bill":[${told},` +
        `{"domain":"QBO","status":"Deleted","Id":"${doomed}","MetaData":{"LastUpdatedTime":"2026-11-22T07:16:02-08:00"}}],` +
        '"startPosition":1,"maxResults":2,"totalCount":2},{},' +
        `{"Vendor":[${vendor}],"startPosition":1,"maxResults":1,"totalCount":1}]}],` +
        '"time":"2026-11-22T07:16:02.318-08:00"}',
    )
    expect(text).toContain(`"Id":"${kept}"`)
  })

  test('a group of deletions alone has no startPosition', async () => {
    const customerId = intuit.books.createCustomer({ name: 'Acme' }).Id
    const id = intuit.books.createInvoice({ customerId, amount: '5' }).Id
    intuit.books.deleteTxn('Invoice', id)
    const [group] = groupsOf(await intuit.cdc('Invoice', SINCE))
    expect(group).toEqual({
      Invoice: [
        {
          domain: 'QBO',
          status: 'Deleted',
          Id: id,
          MetaData: { LastUpdatedTime: '2026-11-22T07:16:02-08:00' },
        },
      ],
      maxResults: 1,
      totalCount: 1,
    })
  })

  test('nothing is older than changedSince', async () => {
    expect(groupsOf(await intuit.cdc('Bill,Account', SINCE))).toEqual([{}, {}])
  })

  test('an inactive record comes as a live one', async () => {
    const id = intuit.books.createCustomer({ name: 'Acme' }).Id
    intuit.books.inactivate('Customer', id)
    const [group] = groupsOf(await intuit.cdc('Customer', SINCE))
    expect(group).toMatchObject({ Customer: [{ Id: id, Active: false, DisplayName: 'Acme (deleted)' }] })
  })

  test('the accounts that a bill moves come with it, their SyncToken unmoved', async () => {
    const vendorId = intuit.books.createVendor({ name: 'Northwind' }).Id
    intuit.books.createBill({ vendorId, amount: '30' })
    const [group] = groupsOf(await intuit.cdc('Account', SINCE))
    expect(group).toMatchObject({
      Account: [
        {
          Name: 'Accounts Payable (A/P)',
          CurrentBalance: -30,
          SyncToken: '0',
          MetaData: { LastUpdatedTime: '2026-11-22T07:16:02-08:00' },
        },
      ],
    })
  })

  test('a thousand objects are all there are, over all types, and nothing says that there were more', async () => {
    const { books } = intuit
    const vendorId = books.createVendor({ name: 'Northwind' }).Id
    const ids = Array.from({ length: 998 }, () => books.createBill({ vendorId, amount: '1' }).Id)
    const deleted = Array.from({ length: 5 }, () => books.createBill({ vendorId, amount: '1' }).Id)
    for (const id of deleted) books.deleteTxn('Bill', id)
    const reply = await intuit.cdc('Bill,Vendor', SINCE)
    expect(idsIn(reply, 'Bill')).toEqual([...ids, ...deleted.slice(0, 2)])
    expect(groupsOf(reply)[0]).toMatchObject({ startPosition: 1, maxResults: 1000, totalCount: 1000 })
    expect(groupsOf(reply)[1]).toEqual({})
  })

  test('looks back thirty days and refuses more', async () => {
    const atEdge = new Date(intuit.clock.ms - 30 * DAY_MS).toISOString()
    const beyond = new Date(intuit.clock.ms - 30 * DAY_MS - 1000).toISOString()
    expect((await intuit.cdc('Bill', atEdge)).status).toBe(200)
    const refused = await intuit.cdc('Bill', beyond)
    expect(refused.status).toBe(400)
    expect(refused.json).toMatchObject({ Fault: { type: 'ValidationFault' } })
  })

  test('a plus sign that was not encoded is no offset', async () => {
    const { status } = await intuit.get('cdc?entities=Bill&changedSince=2026-11-22T07:15:03+01:00')
    expect(status).toBe(400)
  })

  test('a merged vendor vanishes without a tombstone, and its bills name the survivor', async () => {
    const { books } = intuit
    const survivor = books.createVendor({ name: 'Survivor' }).Id
    const loser = books.createVendor({ name: 'Loser' }).Id
    const bill = books.createBill({ vendorId: loser, amount: '12.5' }).Id
    books.merge('Vendor', survivor, loser)
    const reply = await intuit.cdc('Bill,Vendor', SINCE)
    expect(idsIn(reply, 'Vendor')).toEqual([survivor])
    expect(books.record('Bill', bill)).toMatchObject({ VendorRef: { value: survivor, name: 'Survivor' } })
    expect(books.record('Vendor', survivor)).toMatchObject({ Balance: 12.5 })
    expect((await intuit.get(`vendor/${loser}`)).status).toBe(400)
  })
})
