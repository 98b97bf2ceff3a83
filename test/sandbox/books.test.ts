import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { minorOf } from '../../src/sandbox/money.ts'
import type { QboObject } from '../../src/sandbox/sandbox.ts'
import { startIntuit } from './intuit.ts'
import type { Intuit } from './intuit.ts'

const MINUTE_MS = 60_000
const BEFORE = '2026-11-22T07:15:02-08:00'
const AFTER = '2026-11-22T07:16:02-08:00'

let intuit: Intuit
let books: Intuit['books']
let vendorId: string
let customerId: string

beforeEach(async () => {
  intuit = await startIntuit()
  books = intuit.books
  vendorId = books.createVendor({ name: 'Northwind Paper' }).Id
  customerId = books.createCustomer({ name: 'Acme Robotics' }).Id
})
afterEach(() => intuit.sandbox.stop())

function aMinuteLater(): void {
  intuit.clock.ms += MINUTE_MS
}

function account(name: string): QboObject {
  const found = books.records('Account').find((record) => record.Name === name)
  if (!found) throw new Error(`no account ${name}`)
  return found
}

function record(type: Parameters<typeof books.record>[0], id: string): QboObject {
  const found = books.record(type, id)
  if (!found) throw new Error(`no ${type} ${id}`)
  return found
}

describe('paying', () => {
  test('a bill payment is an edit of the bill, and moves bank, payables and vendor', () => {
    const { Id: id } = books.createBill({ vendorId, amount: '120' })
    aMinuteLater()
    const payment = books.payBill(id, '80')
    expect(record('Bill', id)).toMatchObject({
      SyncToken: '1',
      MetaData: { CreateTime: BEFORE, LastUpdatedTime: AFTER },
      Balance: 40,
      TotalAmt: 120,
      LinkedTxn: [{ TxnId: payment.Id, TxnType: 'BillPaymentCheck' }],
    })
    expect(account('Checking')).toMatchObject({
      CurrentBalance: 249920,
      SyncToken: '0',
      MetaData: { LastUpdatedTime: AFTER },
    })
    expect(account('Accounts Payable (A/P)')).toMatchObject({
      CurrentBalance: -40,
      MetaData: { LastUpdatedTime: AFTER },
    })
    expect(record('Vendor', vendorId)).toMatchObject({
      Balance: 40,
      SyncToken: '0',
      MetaData: { LastUpdatedTime: AFTER },
    })
    const expenses = account('Office Supplies')
    expect(expenses.CurrentBalance).toBe(0)
    expect(expenses.MetaData.LastUpdatedTime).toBe(expenses.MetaData.CreateTime)
  })

  test('a credit card owes what it paid', () => {
    const card = books.createAccount({ name: 'Visa', type: 'Credit Card' }).Id
    const { Id: id } = books.createBill({ vendorId, amount: '120' })
    expect(books.payBill(id, '120', card)).toMatchObject({
      PayType: 'CreditCard',
      CreditCardPayment: { CCAccountRef: { value: card } },
    })
    expect(account('Visa')).toMatchObject({ CurrentBalance: -120 })
  })

  test('more than is open is refused, and nothing has happened', () => {
    const { Id: id } = books.createBill({ vendorId, amount: '120' })
    const before = books.recordsText('Bill')
    expect(() => books.payBill(id, '120.01')).toThrow('more would be paid')
    expect(books.recordsText('Bill')).toEqual(before)
    expect(books.records('BillPayment')).toEqual([])
    expect(account('Checking')).toMatchObject({ CurrentBalance: 250000 })
  })

  test('a deposit moves the money and not the time of the payment', () => {
    const invoice = books.createInvoice({ customerId, amount: '250' })
    const payment = books.receivePayment(invoice.Id, '100')
    expect(account('Undeposited Funds')).toMatchObject({ CurrentBalance: 100 })
    aMinuteLater()
    const deposited = books.deposit(payment.Id)
    expect(deposited.LinkedTxn).toEqual([{ TxnId: expect.any(String), TxnType: 'Deposit' }])
    expect(deposited).toMatchObject({ SyncToken: '0', MetaData: { LastUpdatedTime: BEFORE } })
    expect(account('Undeposited Funds')).toMatchObject({
      CurrentBalance: 0,
      MetaData: { LastUpdatedTime: AFTER },
    })
    expect(account('Checking')).toMatchObject({ CurrentBalance: 250100 })
  })

  test('unapplying opens the invoice again and keeps the money', () => {
    const invoice = books.createInvoice({ customerId, amount: '250' })
    const payment = books.receivePayment(invoice.Id, '100')
    expect(books.unapply(payment.Id)).toMatchObject({ TotalAmt: 100, UnappliedAmt: 100, Line: [] })
    expect(record('Invoice', invoice.Id)).toMatchObject({ Balance: 250, LinkedTxn: [], SyncToken: '2' })
    expect(record('Customer', customerId)).toMatchObject({ Balance: 150 })
  })
})

describe('deleting and voiding', () => {
  test('deleting a payment opens the bill, which then has no LinkedTxn', () => {
    const { Id: id } = books.createBill({ vendorId, amount: '120' })
    books.deleteTxn('BillPayment', books.payBill(id, '120').Id)
    expect(record('Bill', id)).toMatchObject({ Balance: 120, SyncToken: '2' })
    expect(record('Bill', id)).not.toHaveProperty('LinkedTxn')
    expect(account('Checking')).toMatchObject({ CurrentBalance: 250000 })
  })

  test('a deleted bill leaves its payment, unapplied', () => {
    const { Id: id } = books.createBill({ vendorId, amount: '120' })
    const payment = books.payBill(id, '20')
    books.deleteTxn('Bill', id)
    expect(books.record('Bill', id)).toBeNull()
    expect(record('BillPayment', payment.Id)).toMatchObject({ Line: [], TotalAmt: 20 })
    expect(record('Vendor', vendorId)).toMatchObject({ Balance: -20 })
    expect(account('Accounts Payable (A/P)')).toMatchObject({ CurrentBalance: 20 })
  })

  test('a void keeps the invoice, with all amounts zero and a word in the note', () => {
    const invoice = books.createInvoice({ customerId, amount: '250', tax: '20', privateNote: 'rush' })
    const payment = books.receivePayment(invoice.Id, '100')
    expect(books.voidInvoice(invoice.Id)).toMatchObject({
      TotalAmt: 0,
      Balance: 0,
      LinkedTxn: [],
      PrivateNote: 'Voided - rush',
      TxnTaxDetail: { TotalTax: 0 },
      Line: [{ Amount: 0, SalesItemLineDetail: { Qty: 0, UnitPrice: 0 } }, { Amount: 0 }],
    })
    expect(record('Payment', payment.Id)).toMatchObject({ UnappliedAmt: 100, Line: [] })
    expect(account('Sales Tax Payable')).toMatchObject({ CurrentBalance: 0 })
    expect(account('Accounts Receivable (A/R)')).toMatchObject({ CurrentBalance: -100 })
  })

  test('a deleted bill can be entered again under a new Id', () => {
    const bill = books.createBill({ vendorId, amount: '120', docNumber: 'A-1' })
    books.payBill(bill.Id, '20')
    books.deleteTxn('Bill', bill.Id)
    const again = books.restoreAs('Bill', bill.Id)
    expect(again.Id).not.toBe(bill.Id)
    expect(again).toMatchObject({ DocNumber: 'A-1', Balance: 120, SyncToken: '0' })
    expect(again).not.toHaveProperty('LinkedTxn')
  })

  test('a deposited payment cannot be deleted', () => {
    const payment = books.receivePayment(books.createInvoice({ customerId, amount: '5' }).Id, '5')
    books.deposit(payment.Id)
    expect(() => books.deleteTxn('Payment', payment.Id)).toThrow('part of a deposit')
  })
})

describe('changes with little or no sign', () => {
  test('a rename reaches bills silently', () => {
    const bill = books.createBill({ vendorId, amount: '120' })
    aMinuteLater()
    books.renameVendor(vendorId, 'Southwind Paper')
    expect(record('Vendor', vendorId)).toMatchObject({ SyncToken: '1', MetaData: { LastUpdatedTime: AFTER } })
    expect(record('Bill', bill.Id)).toMatchObject({
      VendorRef: { value: vendorId, name: 'Southwind Paper' },
      SyncToken: '0',
      MetaData: { LastUpdatedTime: BEFORE },
    })
  })

  test('a touch moves time and SyncToken and nothing else', () => {
    const bill = books.createBill({ vendorId, amount: '120' })
    aMinuteLater()
    const { SyncToken, MetaData, ...content } = books.touch('Bill', bill.Id)
    expect({ SyncToken, MetaData }).toEqual({
      SyncToken: '1',
      MetaData: { CreateTime: BEFORE, LastUpdatedTime: AFTER },
    })
    expect({ ...bill, ...content }).toEqual(bill)
  })

  test('a silent change moves content alone', () => {
    const bill = books.createBill({ vendorId, amount: '120' })
    aMinuteLater()
    expect(books.silentChange('Bill', bill.Id, { DocNumber: 'X' })).toEqual({ ...bill, DocNumber: 'X' })
  })

  test('what vanishes leaves no tombstone', async () => {
    const bill = books.createBill({ vendorId, amount: '120' })
    books.vanish('Bill', bill.Id)
    expect(books.records('Bill')).toEqual([])
    expect((await intuit.cdc('Bill', BEFORE)).text).not.toContain('Deleted')
    expect(record('Vendor', vendorId)).toMatchObject({ Balance: 0 })
  })

  test('a false tombstone stands beside the living record', async () => {
    const bill = books.createBill({ vendorId, amount: '120' })
    books.falseTombstone('Bill', bill.Id)
    const { text } = await intuit.cdc('Bill', BEFORE)
    expect(text.match(new RegExp(`"Id":"${bill.Id}"`, 'g'))).toHaveLength(2)
    expect(text).toContain('"status":"Deleted"')
  })
})

describe('putting records in as they are', () => {
  test.each([
    ['an amount that is none', '"TotalAmt":"abc"'],
    ['twenty digits', '"TotalAmt":12345678901234567890.12'],
    ['a null byte', String.raw`"DocNumber":"a\u0000b"`],
    ['a lone surrogate', String.raw`"DocNumber":"\ud800"`],
    ['an unknown field', '"Novelty":{"a":[1.50,{}]}'],
  ])('%s is served to the letter', async (_name, member) => {
    const text = `{"Id":"7000",${member},"MetaData":{"CreateTime":"${BEFORE}","LastUpdatedTime":"${BEFORE}"}}`
    books.putText('Bill', text)
    expect((await intuit.get('bill/7000')).text).toContain(`{"Bill":${text},`)
    expect(
      (await intuit.query("select * from Bill where MetaData.LastUpdatedTime >= '2026-11-22T07:15:02-08:00'"))
        .text,
    ).toContain(text)
  })

  test('a touch keeps every number of it', () => {
    books.put('Bill', {
      Id: '7001',
      SyncToken: '3',
      MetaData: { CreateTime: BEFORE, LastUpdatedTime: BEFORE },
    })
    books.putText(
      'Bill',
      books.recordsText('Bill')[0]?.replace('}}', '},"TotalAmt":12345678901234567890.120}') ?? '',
    )
    books.touch('Bill', '7001')
    expect(books.recordsText('Bill')[0]).toContain('"TotalAmt":12345678901234567890.120')
    expect(books.recordsText('Bill')[0]).toContain('"SyncToken":"4"')
  })

  test('Ids that are taken are passed over', () => {
    const { Id: id } = books.createBill({ vendorId, amount: '1' })
    books.put('Bill', { Id: String(Number(id) + 1) })
    expect(books.createBill({ vendorId, amount: '1' }).Id).toBe(String(Number(id) + 2))
  })
})

describe('accounts', () => {
  test('the balance of a parent with its sub-accounts follows', () => {
    const parentId = books.createAccount({ name: 'Cash', type: 'Bank', openingBalance: '10' }).Id
    const childId = books.createAccount({ name: 'Till', type: 'Bank', parentId, openingBalance: '5.5' }).Id
    aMinuteLater()
    const bill = books.createBill({ vendorId, amount: '2' })
    books.payBill(bill.Id, '2', childId)
    expect(record('Account', childId)).toMatchObject({
      FullyQualifiedName: 'Cash:Till',
      ParentRef: { value: parentId },
      CurrentBalance: 3.5,
    })
    expect(record('Account', parentId)).toMatchObject({
      CurrentBalance: 10,
      CurrentBalanceWithSubAccounts: 13.5,
      MetaData: { LastUpdatedTime: AFTER },
    })
  })

  test('a customer above a job carries its balance', () => {
    const jobId = books.createCustomer({ name: 'Kitchen', parentId: customerId }).Id
    books.createInvoice({ customerId: jobId, amount: '70' })
    expect(record('Customer', jobId)).toMatchObject({
      Job: true,
      Balance: 70,
      FullyQualifiedName: 'Acme Robotics:Kitchen',
    })
    expect(record('Customer', customerId)).toMatchObject({ Balance: 0, BalanceWithJobs: 70 })
  })

  test('merging two accounts brings their balances together', () => {
    const loser = books.createAccount({ name: 'Old Bank', type: 'Bank', openingBalance: '100' }).Id
    const bill = books.createBill({ vendorId, amount: '30' })
    const payment = books.payBill(bill.Id, '30', loser)
    books.merge('Account', account('Checking').Id, loser)
    expect(books.record('Account', loser)).toBeNull()
    expect(account('Checking')).toMatchObject({ CurrentBalance: 250070 })
    expect(record('BillPayment', payment.Id)).toMatchObject({
      CheckPayment: { BankAccountRef: { name: 'Checking' } },
    })
    expectBalanced()
  })
})

describe.each([
  ['one currency', { multiCurrency: false }],
  ['many currencies', { multiCurrency: true }],
])('double entry with %s', (_name, { multiCurrency }) => {
  test('holds after five hundred random actions', async () => {
    const lively = await startIntuit({ records: 300, multiCurrency })
    for (let step = 0; step < 500; step += 1) {
      lively.clock.ms += 1000
      lively.books.step()
    }
    const actions = new Set(lively.books.records('Bill').map(({ SyncToken }) => SyncToken))
    expect(actions.size).toBeGreaterThan(2)
    expectBalanced(lively.books)
    expectTiesOut(lively.books, 'Bill', 'Accounts Payable', -1)
    expectTiesOut(lively.books, 'Invoice', 'Accounts Receivable', 1)
    await lively.sandbox.stop()
  })
})

function expectBalanced(of = books): void {
  const sum = of.trialBalance().reduce((total, { amount }) => total + minorOf(amount), 0)
  expect(sum).toBe(0)
  expect(of.trialBalance().length).toBeGreaterThan(4)
}

/** What is open, less what was paid and is not applied, is what the control account says, currency by currency. */
function expectTiesOut(
  of: Intuit['books'],
  type: 'Bill' | 'Invoice',
  accountType: string,
  sign: 1 | -1,
): void {
  const open = new Map<string, number>()
  const add = ({ CurrencyRef }: QboObject, minor: number) => {
    const { value } = CurrencyRef as { value: string }
    open.set(value, (open.get(value) ?? 0) + minor)
  }
  for (const item of of.records(type)) add(item, minorOf(String(item.Balance)))
  for (const payment of of.records(type === 'Bill' ? 'BillPayment' : 'Payment')) {
    const applied = (payment.Line as { Amount: number }[]).reduce(
      (sum, line) => sum + minorOf(String(line.Amount)),
      0,
    )
    add(payment, applied - minorOf(String(payment.TotalAmt)))
  }
  for (const item of of.records('Account').filter((record) => record.AccountType === accountType)) {
    const { value } = item.CurrencyRef as { value: string }
    expect([value, minorOf(String(item.CurrentBalance))]).toEqual([value, sign * (open.get(value) ?? 0) + 0])
  }
  expect(open.size).toBeGreaterThan(0)
}
