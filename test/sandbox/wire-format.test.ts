import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { groupsOf, rowsOf, startIntuit } from './intuit.ts'
import type { Intuit } from './intuit.ts'

const CREATED = '{"CreateTime":"2026-11-22T07:15:02-08:00","LastUpdatedTime":"2026-11-22T07:15:02-08:00"}'
const TIME = '"time":"2026-11-22T07:15:02.318-08:00"'
const EURO = '{"value":"EUR","name":"Euro"}'

let intuit: Intuit
let ids: { vendor: string; customer: string; bill: string; payment: string; invoice: string }

beforeAll(async () => {
  intuit = await startIntuit({ multiCurrency: true })
  const { books } = intuit
  const vendor = books.createVendor({ name: 'Northwind Paper', currency: 'EUR' }).Id
  const customer = books.createCustomer({ name: 'Acme Robotics' }).Id
  const bill = books.createBill({
    vendorId: vendor,
    lines: [{ amount: '120.00', description: 'Stationery' }],
    docNumber: 'INV-7731',
    txnDate: '2026-11-18',
    exchangeRate: '1.0832',
    privateNote: 'paid in part',
  }).Id
  const payment = books.payBill(bill, '80').Id
  const invoice = books.createInvoice({
    customerId: customer,
    amount: '250',
    tax: '20.5',
    txnDate: '2026-11-02',
  }).Id
  ids = { vendor, customer, bill, payment, invoice }
})
afterAll(() => intuit.sandbox.stop())

describe('records over the wire', () => {
  test('a bill, paid in part, in a foreign currency', async () => {
    const { text } = await intuit.query('select * from Bill')
    expect(text).toContain(
      `{"domain":"QBO","sparse":false,"Id":"2","SyncToken":"1","MetaData":${CREATED},` +
        '"DocNumber":"INV-7731","TxnDate":"2026-11-18","DueDate":"2026-12-18","SalesTermRef":{"value":"3"},' +
        `"CurrencyRef":${EURO},"ExchangeRate":1.0832,"VendorRef":{"value":"1","name":"Northwind Paper"},` +
        '"APAccountRef":{"value":"9","name":"Accounts Payable (A/P) - EUR"},' +
        '"Line":[{"Id":"1","LineNum":1,"Description":"Stationery","Amount":120.0,' +
        '"DetailType":"AccountBasedExpenseLineDetail","AccountBasedExpenseLineDetail":' +
        '{"AccountRef":{"value":"8","name":"Office Supplies"},"BillableStatus":"NotBillable","TaxCodeRef":{"value":"NON"}}}],' +
        '"TotalAmt":120.0,"Balance":40.0,"PrivateNote":"paid in part","HomeBalance":43.33,' +
        `"LinkedTxn":[{"TxnId":"3","TxnType":"BillPaymentCheck"}]}`,
    )
  })

  test('its payment', async () => {
    const { text } = await intuit.get(`billpayment/${ids.payment}`)
    expect(text).toBe(
      `{"BillPayment":{"domain":"QBO","sparse":false,"Id":"3","SyncToken":"0","MetaData":${CREATED},` +
        '"DocNumber":"1","TxnDate":"2026-11-22","VendorRef":{"value":"1","name":"Northwind Paper"},' +
        '"APAccountRef":{"value":"9","name":"Accounts Payable (A/P) - EUR"},"PayType":"Check",' +
        '"CheckPayment":{"BankAccountRef":{"value":"2","name":"Checking"},"PrintStatus":"NotSet"},' +
        `"CurrencyRef":${EURO},"ExchangeRate":1.0832,"TotalAmt":80.0,` +
        `"Line":[{"Amount":80.0,"LinkedTxn":[{"TxnId":"2","TxnType":"Bill"}]}]},${TIME}}`,
    )
  })

  test('an invoice has an empty LinkedTxn and a subtotal line without an Id', async () => {
    const { text } = await intuit.query('select * from Invoice')
    expect(text).toContain(
      '{"domain":"QBO","sparse":false,"Id":"4","SyncToken":"0","MetaData":' +
        '{"CreateTime":"2026-11-22T07:15:02-08:00","LastUpdatedTime":"2026-11-22T07:15:02-08:00",' +
        '"LastModifiedByRef":{"value":"9130000000000001"}},"CustomField":[],"DocNumber":"1001",' +
        '"TxnDate":"2026-11-02","DueDate":"2026-12-02","SalesTermRef":{"value":"3"},' +
        '"CurrencyRef":{"value":"USD","name":"United States Dollar"},"ExchangeRate":1,"LinkedTxn":[],' +
        '"Line":[{"Id":"1","LineNum":1,"Amount":250.0,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":' +
        '{"ItemRef":{"value":"5","name":"Consulting"},"UnitPrice":250.0,"Qty":1,"TaxCodeRef":{"value":"TAX"}}},' +
        '{"Amount":250.0,"DetailType":"SubTotalLineDetail","SubTotalLineDetail":{}}],' +
        '"TxnTaxDetail":{"TotalTax":20.5},"CustomerRef":{"value":"1","name":"Acme Robotics"},"TotalAmt":270.5,' +
        '"ApplyTaxAfterDiscount":false,"PrintStatus":"NotSet","EmailStatus":"NotSet","Balance":270.5,' +
        `"HomeBalance":270.5,"HomeTotalAmt":270.5}`,
    )
  })

  test('a vendor owes nothing to the SyncToken when only its balance moves', async () => {
    const { text } = await intuit.query('select * from Vendor')
    expect(text).toContain(
      `{"domain":"QBO","sparse":false,"Id":"1","SyncToken":"0","MetaData":${CREATED},` +
        '"DisplayName":"Northwind Paper","CompanyName":"Northwind Paper","PrintOnCheckName":"Northwind Paper",' +
        `"Active":true,"Balance":40.0,"Vendor1099":false,"CurrencyRef":${EURO}}`,
    )
  })

  test('accounts payable is negative', async () => {
    const { text } = await intuit.query('select * from Account')
    expect(text).toContain(
      `{"domain":"QBO","sparse":false,"Id":"9","SyncToken":"0","MetaData":${CREATED},` +
        '"Name":"Accounts Payable (A/P) - EUR","SubAccount":false,"FullyQualifiedName":"Accounts Payable (A/P) - EUR",' +
        '"Active":true,"Classification":"Liability","AccountType":"Accounts Payable","AccountSubType":"AccountsPayable",' +
        `"CurrentBalance":-40.0,"CurrentBalanceWithSubAccounts":-40.0,"CurrencyRef":${EURO}}`,
    )
  })

  test('empty parts and default values come and go with the way of reading; the rest does not', async () => {
    for (const [entity, id] of [
      ['Bill', ids.bill],
      ['Invoice', ids.invoice],
      ['Vendor', ids.vendor],
      ['Customer', ids.customer],
      ['Account', '9'],
    ] as const) {
      const asked = `select * from ${entity} where Id = '${id}'`
      const listed = await intuit.query(`select * from ${entity}`)
      const told = await intuit.cdc(entity, '2026-11-22T07:15:00-08:00')
      const ways = [
        rowsOf(listed, entity).find(({ Id }) => Id === id)!,
        (groupsOf(told)[0]![entity] as Record<string, unknown>[]).find(({ Id }) => Id === id)!,
        ((await intuit.get(`${entity.toLowerCase()}/${id}`)).json as Record<string, object>)[entity]!,
      ]
      expect(rowsOf(await intuit.query(asked), entity)).toEqual([ways[2]])
      expect(new Set(ways.map((way) => JSON.stringify(way))).size).toBe(3)
      for (const way of ways) expect(saying(way)).toEqual(saying(ways[0]))
    }
  })

  test('preferences tell the home currency', async () => {
    const { json } = await intuit.get('preferences')
    expect(json).toMatchObject({
      Preferences: { CurrencyPrefs: { MultiCurrencyEnabled: true, HomeCurrency: { value: 'USD' } } },
      time: '2026-11-22T07:15:02.318-08:00',
    })
  })

  test('company info is read by the realm id', async () => {
    const { json } = await intuit.get('companyinfo/4620816300000000001')
    expect(json).toMatchObject({ CompanyInfo: { CompanyName: 'Alder & Finch', Country: 'USA' } })
  })
})

describe('refusals over the wire', () => {
  test('an unknown Id is 610 under status 400', async () => {
    const { status, text } = await intuit.get('bill/999')
    expect(status).toBe(400)
    expect(text).toBe(
      '{"Fault":{"Error":[{"Message":"Object Not Found","Detail":"Object Not Found : Something you\'re trying to use ' +
        `has been made inactive.","code":"610","element":""}],"type":"ValidationFault"},${TIME}}`,
    )
  })

  test("an unknown token is the gateway's lower-case 3200", async () => {
    const response = await fetch(`${intuit.sandbox.apiBaseUrl}/v3/company/4620816300000000001/bill/2`)
    expect(response.status).toBe(401)
    expect(await response.text()).toBe(
      '{"warnings":null,"intuitObject":null,"fault":{"error":[{"message":' +
        '"message=AuthenticationFailed; errorCode=003200; statusCode=401","detail":' +
        '"Token expired: the access token is unknown or no longer valid","code":"3200","element":null}],' +
        '"type":"AUTHENTICATION"},"report":null,"queryResponse":null,"batchItemResponse":[],' +
        '"attachableResponse":[],"syncErrorResponse":null,"requestId":null,"time":1795360502318,"status":null,' +
        '"cdcresponse":[]}',
    )
  })

  test('paths are case sensitive', async () => {
    expect((await intuit.get(`Bill/${ids.bill}`)).status).toBe(404)
  })

  test('every answer names its call', async () => {
    const first = await intuit.get('preferences')
    const second = await intuit.get('bill/999')
    expect(first.headers.get('intuit_tid')).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/)
    expect(second.headers.get('intuit_tid')).not.toBe(first.headers.get('intuit_tid'))
  })
})

/** What is left of a record without its empty parts and default values. */
function saying(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(saying)
  const parts = Object.entries(value).filter(([, part]) => !isEmpty(part) && !DEFAULTS.includes(part))
  return Object.fromEntries(parts.map(([name, part]) => [name, saying(part)]))
}

const DEFAULTS: readonly unknown[] = [false, 'NotSet', 'NotBillable', 'NotApplicable']

function isEmpty(part: unknown): boolean {
  return typeof part === 'object' && part !== null && Object.keys(part).length === 0
}
