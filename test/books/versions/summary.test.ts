import { describe, expect, test } from '@jest/globals'
import type { Entity } from '../../../src/domain/entity.ts'
import { describeVersion } from '../../../src/books/versions/describe-version.ts'
import {
  ACCOUNT,
  accountLine,
  BILL,
  COMPANY,
  CUSTOMER,
  describePayloads,
  INVOICE,
  PAYLOADS,
  VENDOR,
  versionOf,
  withLine,
  without,
  type Payload,
} from './payloads.ts'

type Row = [entity: Entity, before: Payload, after: Payload, change: string, summary: string]

const cases = (rows: Row[]) =>
  rows.map(([entity, before, after, change, summary]) => ({ entity, before, after, change, summary }))

const bill = (...changes: Payload[]): Payload => Object.assign({}, BILL, ...changes) as Payload
const invoice = (...changes: Payload[]): Payload => Object.assign({}, INVOICE, ...changes) as Payload
const paidBill = (paid: number, ...payments: string[]) =>
  bill({
    TotalAmt: 1000,
    Balance: 1000 - paid,
    LinkedTxn: payments.map((TxnId) => ({ TxnId, TxnType: 'BillPaymentCheck' })),
  })
const openBill = without(paidBill(0), 'LinkedTxn')
const account = (line: Payload, value: string, name?: string) => ({
  ...line,
  AccountBasedExpenseLineDetail: {
    ...(line['AccountBasedExpenseLineDetail'] as Payload),
    AccountRef: { value, ...(name === undefined ? {} : { name }) },
  },
})
const sales = (line: Payload, change: Payload) => ({
  ...line,
  SalesItemLineDetail: { ...(line['SalesItemLineDetail'] as Payload), ...change },
})
const euro = { CurrencyRef: { value: 'EUR', name: 'Euro' }, ExchangeRate: 1.0832 }
const custom = (name: string, value?: string) => ({
  CustomField: [{ DefinitionId: '1', Name: name, Type: 'StringType', ...(value && { StringValue: value }) }],
})

describe('money', () => {
  test.each(
    cases([
      [
        'bill',
        BILL,
        withLine(bill({ TotalAmt: 1250, Balance: 1250 }), 1, (line) => ({
          ...account(line, '23', 'Repairs'),
          Amount: 450,
        })),
        'edited',
        'Amount 1,200.00 → 1,250.00; line 2 moved from Rent to Repairs',
      ],
      ['bill', openBill, paidBill(400, '146'), 'partlyPaid', 'Paid 400.00 of 1,000.00'],
      ['bill', openBill, paidBill(1000, '146'), 'paid', 'Paid in full, 1,000.00'],
      ['bill', paidBill(400, '146'), paidBill(1000, '146', '150'), 'paid', 'Paid 600.00 more, now in full'],
      [
        'bill',
        paidBill(400, '146'),
        paidBill(700, '146', '150'),
        'partlyPaid',
        'Paid 300.00 more, 700.00 of 1,000.00 in all',
      ],
      ['bill', paidBill(1000, '146'), openBill, 'unpaid', 'Payment 146 taken back; 1,000.00 open again'],
      [
        'bill',
        paidBill(1000, '146', '150'),
        paidBill(400, '146'),
        'unpaid',
        'Payment 150 taken back; 600.00 open again',
      ],
      ['bill', paidBill(400, '146'), paidBill(300, '146'), 'unpaid', 'Paid 100.00 less, 700.00 open'],
      [
        'bill',
        paidBill(400, '146'),
        paidBill(400, '150'),
        'edited',
        'Payment 146 taken back; payment 150 applied',
      ],
      [
        'bill',
        openBill,
        { ...paidBill(400), LinkedTxn: [{ TxnId: '52', TxnType: 'VendorCredit' }] },
        'partlyPaid',
        'Credited 400.00 of 1,000.00',
      ],
      [
        'bill',
        openBill,
        { ...openBill, LinkedTxn: [{ TxnId: '88', TxnType: 'PurchaseOrder' }] },
        'edited',
        'Linked to purchase order 88',
      ],
      [
        'bill',
        openBill,
        withLine({ ...paidBill(400, '146'), TotalAmt: 1100, Balance: 700 }, 0, (line) => ({
          ...line,
          Amount: 900,
        })),
        'partlyPaid',
        'Paid 400.00 of 1,100.00; amount 1,000.00 → 1,100.00',
      ],
      [
        'bill',
        bill(euro, { HomeBalance: 1299.84 }),
        bill(euro, { TotalAmt: 1250.5, Balance: 1250.5, HomeBalance: 1354.54 }),
        'edited',
        'Amount EUR 1,200.00 → EUR 1,250.50',
      ],
      [
        'bill',
        bill(euro, { HomeBalance: 1299.84 }),
        bill(euro, {
          Balance: 0,
          HomeBalance: 0,
          LinkedTxn: [{ TxnId: '7', TxnType: 'BillPaymentCreditCard' }],
        }),
        'paid',
        'Paid in full, EUR 1,200.00',
      ],
      [
        'bill',
        bill(euro, { HomeBalance: 1299.84 }),
        bill(euro, { ExchangeRate: 1.09, HomeBalance: 1308 }),
        'edited',
        'Exchange rate 1.0832 → 1.09',
      ],
      [
        'bill',
        bill(euro, { HomeBalance: 1299.84 }),
        bill(euro, { HomeBalance: 1299.85 }),
        'edited',
        'Open amount in home currency 1,299.84 → 1,299.85',
      ],
      [
        'bill',
        bill({ CurrencyRef: { value: 'JPY' }, ExchangeRate: 0.0067, TotalAmt: 120000, Balance: 120000 }),
        bill({ CurrencyRef: { value: 'JPY' }, ExchangeRate: 0.0067, TotalAmt: 130000, Balance: 130000 }),
        'edited',
        'Amount JPY 120,000 → JPY 130,000',
      ],
      [
        'bill',
        bill({ TotalAmt: 1234567.891, Balance: 1234567.891 }),
        bill({ TotalAmt: -0.5, Balance: -0.5 }),
        'edited',
        'Amount 1,234,567.891 → -0.50',
      ],
      [
        'invoice',
        INVOICE,
        invoice({
          TxnTaxDetail: { TotalTax: 12.5, TaxLine: [{ Amount: 12.5 }] },
          TotalAmt: 262.5,
          Balance: 262.5,
        }),
        'edited',
        'Amount 250.00 → 262.50; tax 0.00 → 12.50',
      ],
      [
        'invoice',
        invoice({ TxnTaxDetail: { TotalTax: 5, TaxLine: [{ Amount: 5, DetailType: 'TaxLineDetail' }] } }),
        invoice({ TxnTaxDetail: { TotalTax: 5, TaxLine: [{ Amount: 5.0, DetailType: 'Other' }] } }),
        'edited',
        'Tax details changed',
      ],
      ['invoice', INVOICE, invoice({ Deposit: 50 }), 'edited', 'Deposit set to 50.00'],
      [
        'balance',
        ACCOUNT,
        { ...ACCOUNT, CurrentBalance: 9800, CurrentBalanceWithSubAccounts: 9800 },
        'edited',
        'Balance 10,250.75 → 9,800.00',
      ],
      [
        'balance',
        ACCOUNT,
        { ...ACCOUNT, CurrentBalanceWithSubAccounts: 12000 },
        'edited',
        'Balance with sub-accounts 10,250.75 → 12,000.00',
      ],
    ]),
  )('of $entity: $summary', ({ entity, before, after, change, summary }) => {
    expect(describePayloads(entity, before, after)).toMatchObject({ change, summary })
  })
})

describe('a document', () => {
  test.each(
    cases([
      [
        'invoice',
        { ...INVOICE, PrivateNote: 'rush' },
        withLine(
          invoice({ TotalAmt: 0, Balance: 0, PrivateNote: 'Voided - rush', TxnTaxDetail: { TotalTax: 0 } }),
          0,
          (line) => ({ ...sales(line, { Qty: 0 }), Amount: 0 }),
        ),
        'voided',
        'Voided; was 250.00',
      ],
      [
        'invoice',
        invoice({ Balance: 150, LinkedTxn: [{ TxnId: '322', TxnType: 'Payment' }] }),
        invoice({ TotalAmt: 0, Balance: 0, PrivateNote: 'Voided' }),
        'voided',
        'Voided; was 250.00; payment 322 taken back',
      ],
      [
        'invoice',
        invoice({ TotalAmt: 0, Balance: 0, PrivateNote: 'Voided' }),
        INVOICE,
        'edited',
        'No longer voided; amount 0.00 → 250.00; memo removed (“Voided”)',
      ],
      [
        'bill',
        BILL,
        bill({ DueDate: '2027-01-03' }),
        'edited',
        'Due date moved from 18 December 2026 to 3 January 2027',
      ],
      ['bill', without(BILL, 'DueDate'), BILL, 'edited', 'Due date set to 18 December 2026'],
      [
        'bill',
        BILL,
        bill({ TxnDate: '2026-03-03' }),
        'edited',
        'Date moved from 18 November 2026 to 3 March 2026',
      ],
      ['bill', BILL, bill({ DocNumber: 'INV-7732' }), 'edited', 'Number changed from INV-7731 to INV-7732'],
      ['bill', BILL, without(BILL, 'DocNumber'), 'edited', 'Number removed (INV-7731)'],
      [
        'bill',
        BILL,
        bill({ VendorRef: { value: '40', name: 'Southwind Print' } }),
        'edited',
        'Vendor changed from Northwind Paper to Southwind Print',
      ],
      [
        'invoice',
        INVOICE,
        invoice({ CustomerRef: { value: '13' } }),
        'edited',
        'Customer changed from Acme Robotics to 13',
      ],
      [
        'bill',
        BILL,
        bill({ SalesTermRef: { value: '2', name: 'Net 15' } }),
        'edited',
        'Terms changed from Net 30 to Net 15',
      ],
      [
        'bill',
        bill({ SalesTermRef: { value: '3' } }),
        bill({ SalesTermRef: { value: '2' } }),
        'edited',
        'Terms changed from 3 to 2',
      ],
      ['bill', BILL, without(BILL, 'SalesTermRef'), 'edited', 'Terms removed (Net 30)'],
      ['bill', without(BILL, 'SalesTermRef'), BILL, 'edited', 'Terms set to Net 30'],
      [
        'bill',
        BILL,
        bill({ PrivateNote: 'as\n agreed by phone' }),
        'edited',
        'Memo changed from “as agreed” to “as agreed by phone”',
      ],
      [
        'bill',
        BILL,
        bill({ PrivateNote: 'x'.repeat(300) }),
        'edited',
        `Memo changed from “as agreed” to “${'x'.repeat(59)}…”`,
      ],
      [
        'bill',
        BILL,
        bill({ APAccountRef: { value: '34', name: 'A/P EUR' } }),
        'edited',
        'Payable account changed from Accounts Payable (A/P) to A/P EUR',
      ],
      [
        'bill',
        BILL,
        bill({ DepartmentRef: { value: '1', name: 'Oakland' } }),
        'edited',
        'Location set to Oakland',
      ],
      ['invoice', INVOICE, invoice({ EmailStatus: 'NeedToSend' }), 'edited', 'Marked to be e-mailed'],
      [
        'invoice',
        INVOICE,
        invoice({
          EmailStatus: 'EmailSent',
          DeliveryInfo: { DeliveryType: 'Email', DeliveryTime: '2026-11-02T09:01:00-08:00' },
        }),
        'edited',
        'Sent by e-mail; delivery record added',
      ],
      ['invoice', INVOICE, invoice({ PrintStatus: 'NeedToPrint' }), 'edited', 'Marked to be printed'],
      [
        'invoice',
        INVOICE,
        invoice({ BillEmail: { Address: 'new@example.test' } }),
        'edited',
        'E-mail address changed from ap@example.test to new@example.test',
      ],
      [
        'invoice',
        INVOICE,
        without(INVOICE, 'BillEmail'),
        'edited',
        'E-mail address removed (ap@example.test)',
      ],
      [
        'invoice',
        INVOICE,
        invoice({ ShipAddr: { Id: '9', Line1: '1 Pier', City: 'Oakland' } }),
        'edited',
        'Shipping address added',
      ],
      [
        'invoice',
        invoice({ ShipAddr: { Id: '9', Line1: '1 Pier', Lat: '1' } }),
        invoice({ ShipAddr: { Id: '9', Line1: '2 Pier', Lat: 'INVALID' } }),
        'edited',
        'Shipping address changed',
      ],
      [
        'invoice',
        INVOICE,
        invoice({ CustomerMemo: { value: 'Thank you!' } }),
        'edited',
        'Message to the customer set to “Thank you!”',
      ],
      [
        'invoice',
        INVOICE,
        invoice({ ShipDate: '2026-12-01', TrackingNum: 'Z1' }),
        'edited',
        'Shipping date set to 1 December 2026; tracking number set to Z1',
      ],
      ['invoice', INVOICE, invoice({ ApplyTaxAfterDiscount: true }), 'edited', 'Tax now after the discount'],
      [
        'invoice',
        INVOICE,
        invoice({ AllowOnlineCreditCardPayment: true }),
        'edited',
        'Online card payment allowed',
      ],
      [
        'invoice',
        invoice(custom('PO', '17')),
        invoice(custom('PO', '18')),
        'edited',
        'Custom field “PO” changed from 17 to 18',
      ],
      ['invoice', INVOICE, invoice(custom('PO', '17')), 'edited', 'Custom field “PO” set to 17'],
      [
        'invoice',
        invoice(custom('PO', '17')),
        invoice(custom('PO')),
        'edited',
        'Custom field “PO” removed (17)',
      ],
      [
        'bill',
        BILL,
        bill({ FieldOfTomorrow: { Deep: [1, 2] } }),
        'edited',
        'Another detail of the bill changed',
      ],
      ['bill', BILL, bill({ Tomorrow: 1, DayAfter: true }), 'edited', '2 other details of the bill changed'],
      [
        'bill',
        bill({ Tomorrow: 1 }),
        bill({ Tomorrow: '1' }),
        'edited',
        'Another detail of the bill changed',
      ],
    ]),
  )('of $entity: $summary', ({ entity, before, after, change, summary }) => {
    expect(describePayloads(entity, before, after)).toMatchObject({ change, summary })
  })
})

describe('a line', () => {
  const third = accountLine(3, 120, '17', 'Office Supplies', 'Toner')
  const lines = BILL['Line'] as Payload[]
  test.each(
    cases([
      [
        'bill',
        BILL,
        withLine(BILL, 1, (line) => account(line, '23', 'Repairs')),
        'edited',
        'Line 2 moved from Rent to Repairs',
      ],
      [
        'bill',
        BILL,
        withLine(BILL, 1, (line) => account(line, '23')),
        'edited',
        'Line 2 moved from Rent to 23',
      ],
      [
        'bill',
        BILL,
        withLine(BILL, 1, (line) => account(line, '23', 'Rent')),
        'edited',
        'Line 2 moved from 21 to 23',
      ],
      [
        'bill',
        BILL,
        bill({ Line: [...lines, third], TotalAmt: 1320, Balance: 1320 }),
        'edited',
        'Amount 1,200.00 → 1,320.00; line 3 added (Office Supplies, 120.00)',
      ],
      [
        'bill',
        BILL,
        bill({ Line: [{ ...lines[1], LineNum: 1 }], TotalAmt: 400, Balance: 400 }),
        'edited',
        'Amount 1,200.00 → 400.00; line 1 removed (Office Supplies, 800.00)',
      ],
      [
        'bill',
        BILL,
        bill({
          Line: [
            { ...lines[0], Amount: 700 },
            { ...lines[1], Amount: 500 },
          ],
        }),
        'edited',
        'Line 1 800.00 → 700.00; line 2 400.00 → 500.00',
      ],
      ['bill', BILL, bill({ Line: [lines[1], lines[0]] }), 'edited', 'Lines put in another order'],
      [
        'bill',
        BILL,
        withLine(BILL, 0, (line) => ({ ...line, Description: 'Paper' })),
        'edited',
        'Description of line 1 changed from “Stationery” to “Paper”',
      ],
      [
        'bill',
        BILL,
        withLine(BILL, 0, (line) => ({
          ...line,
          AccountBasedExpenseLineDetail: {
            ...(line['AccountBasedExpenseLineDetail'] as Payload),
            BillableStatus: 'Billable',
            CustomerRef: { value: '12', name: 'Acme Robotics' },
            ClassRef: { value: '5', name: 'North' },
          },
        })),
        'edited',
        'Line 1 made billable; customer of line 1 set to Acme Robotics; class of line 1 set to North',
      ],
      [
        'invoice',
        INVOICE,
        withLine(
          withLine(invoice({ TotalAmt: 375, Balance: 375 }), 0, (line) => ({
            ...sales(line, { Qty: 3 }),
            Amount: 375,
          })),
          1,
          (line) => ({ ...line, Amount: 375 }),
        ),
        'edited',
        'Amount 250.00 → 375.00; quantity of line 1 2 → 3',
      ],
      [
        'invoice',
        INVOICE,
        withLine(INVOICE, 0, (line) => sales(line, { ItemRef: { value: '6', name: 'Design' } })),
        'edited',
        'Item of line 1 changed from Consulting to Design',
      ],
      [
        'invoice',
        INVOICE,
        withLine(INVOICE, 0, (line) => sales(line, { ServiceDate: '2026-10-31' })),
        'edited',
        'Service date of line 1 set to 31 October 2026',
      ],
      [
        'invoice',
        INVOICE,
        withLine(INVOICE, 0, (line) => sales(line, { TaxCodeRef: { value: 'TAX' } })),
        'edited',
        'Tax code of line 1 changed from NON to TAX',
      ],
      [
        'invoice',
        INVOICE,
        withLine(INVOICE, 0, (line) => ({ ...line, Oddity: 'x' })),
        'edited',
        'Another detail of line 1 changed',
      ],
    ]),
  )('of $entity: $summary', ({ entity, before, after, change, summary }) => {
    expect(describePayloads(entity, before, after)).toMatchObject({ change, summary })
  })
})

describe('a name or an account', () => {
  test.each(
    cases([
      [
        'vendor',
        VENDOR,
        { ...VENDOR, DisplayName: 'Northwind', CompanyName: 'Northwind', PrintOnCheckName: 'Northwind' },
        'renamed',
        'Renamed from Northwind Paper to Northwind',
      ],
      [
        'vendor',
        VENDOR,
        { ...VENDOR, DisplayName: 'Northwind Paper (deleted)', Active: false },
        'edited',
        'Made inactive',
      ],
      [
        'customer',
        {
          ...CUSTOMER,
          Active: false,
          DisplayName: 'Acme Robotics (deleted)',
          FullyQualifiedName: 'Acme Robotics (deleted)',
        },
        CUSTOMER,
        'edited',
        'Made active again',
      ],
      [
        'vendor',
        VENDOR,
        { ...VENDOR, Vendor1099: true, TaxIdentifier: 'XXXXX1234' },
        'edited',
        'Now tracked for 1099; tax number added',
      ],
      [
        'vendor',
        VENDOR,
        { ...VENDOR, VendorPaymentBankDetail: { BankAccountNumber: 'XXXX12' } },
        'edited',
        'Bank details added',
      ],
      [
        'vendor',
        VENDOR,
        { ...VENDOR, PrimaryPhone: { FreeFormNumber: '555' } },
        'edited',
        'Phone number added',
      ],
      [
        'vendor',
        VENDOR,
        { ...VENDOR, CompanyName: 'Northwind Holding' },
        'edited',
        'Company name changed from Northwind Paper to Northwind Holding',
      ],
      [
        'customer',
        CUSTOMER,
        {
          ...CUSTOMER,
          Job: true,
          ParentRef: { value: '9', name: 'Acme' },
          FullyQualifiedName: 'Acme:Acme Robotics',
          Level: 1,
        },
        'edited',
        'Put under Acme',
      ],
      [
        'customer',
        CUSTOMER,
        { ...CUSTOMER, Taxable: true, PreferredDeliveryMethod: 'Print' },
        'edited',
        'Now taxable; delivery method changed from email to print',
      ],
      [
        'customer',
        CUSTOMER,
        { ...CUSTOMER, Balance: 7, Notes: 'calls back' },
        'edited',
        'Notes set to “calls back”',
      ],
      [
        'balance',
        ACCOUNT,
        { ...ACCOUNT, Name: 'Payroll', FullyQualifiedName: 'Payroll' },
        'renamed',
        'Renamed from Operating to Payroll',
      ],
      [
        'balance',
        ACCOUNT,
        { ...ACCOUNT, AcctNum: '1020' },
        'edited',
        'Account number changed from 1010 to 1020',
      ],
      [
        'balance',
        ACCOUNT,
        { ...ACCOUNT, AccountSubType: 'MoneyMarket' },
        'edited',
        'Detail type changed from checking to money market',
      ],
      ['balance', ACCOUNT, { ...ACCOUNT, Oddity: 1 }, 'edited', 'Another detail of the account changed'],
    ]),
  )('of $entity: $summary', ({ entity, before, after, change, summary }) => {
    expect(describePayloads(entity, before, after)).toMatchObject({ change, summary })
  })
})

describe('the life of a record', () => {
  const gone = new Date('2026-11-22T15:15:00Z')

  test.each(['bill', 'invoice', 'balance', 'vendor', 'customer'] as const)(
    '%s: deleted and back',
    (entity) => {
      const live = versionOf(entity, PAYLOADS[entity])
      const deleted = versionOf(entity, PAYLOADS[entity], { deletedAt: gone })
      expect(describeVersion(entity, { before: live, after: deleted }, COMPANY)).toMatchObject({
        change: 'deleted',
        summary: 'Deleted in QuickBooks',
      })
      expect(describeVersion(entity, { before: deleted, after: live }, COMPANY)).toMatchObject({
        change: 'restored',
        summary: 'Back in QuickBooks after it was deleted',
      })
    },
  )

  test('back with another amount says both', () => {
    const deleted = versionOf('bill', BILL, { deletedAt: gone })
    const back = versionOf('bill', bill({ TotalAmt: 900, Balance: 900 }))
    expect(describeVersion('bill', { before: deleted, after: back }, COMPANY).summary).toBe(
      'Back in QuickBooks after it was deleted; amount 1,200.00 → 900.00',
    )
  })

  test.each<[Entity, Payload, string]>([
    ['bill', BILL, 'Entered: 1,200.00 from Northwind Paper, due 18 December 2026'],
    ['bill', without(bill(euro), 'DueDate', 'VendorRef'), 'Entered: EUR 1,200.00'],
    ['invoice', INVOICE, 'Entered: 250.00 to Acme Robotics, due 2 December 2026'],
    ['balance', ACCOUNT, 'Account opened with a balance of 10,250.75'],
    ['vendor', VENDOR, 'Vendor added'],
    ['customer', CUSTOMER, 'Customer added'],
  ])('%s: seen within a day of its entry', (entity, payload, summary) => {
    const after = versionOf(entity, payload)
    expect(describeVersion(entity, { before: null, after }, COMPANY)).toEqual({
      change: 'created',
      summary,
      diff: [],
    })
  })

  test('seen long after its entry it says when that was', () => {
    const after = versionOf('bill', BILL, { sourceCreatedAt: new Date('2024-03-03T20:00:00Z') })
    expect(describeVersion('bill', { before: null, after }, COMPANY)).toMatchObject({
      change: 'firstSeen',
      summary: 'First seen; entered in QuickBooks on 3 March 2024',
    })
    const undated = versionOf('bill', BILL, { sourceCreatedAt: null })
    expect(describeVersion('bill', { before: null, after: undated }, COMPANY)).toMatchObject({
      change: 'firstSeen',
      summary: 'First seen',
    })
  })
})

test('a default that one answer states and the next leaves out is no news', () => {
  const stated = invoice({ PrintStatus: 'NotSet', ApplyTaxAfterDiscount: false, DueDate: '2026-04-01' })
  const leftOut = without(without(invoice({ DueDate: '2026-05-01' }), 'PrintStatus'), 'ApplyTaxAfterDiscount')
  expect(describePayloads('invoice', stated, leftOut).summary).toBe(
    'Due date moved from 1 April 2026 to 1 May 2026',
  )
})

describe('a sentence', () => {
  test('of many changes names the most telling and counts the rest', () => {
    const after = bill({
      VendorRef: { value: '40', name: 'Southwind Print' },
      DueDate: '2027-01-03',
      TxnDate: '2026-11-19',
      DocNumber: 'INV-7732',
      SalesTermRef: { value: '2', name: 'Net 15' },
      PrivateNote: 'other',
      Unknown: 1,
    })
    expect(describePayloads('bill', BILL, after).summary).toBe(
      'Vendor changed from Northwind Paper to Southwind Print; due date moved from 18 December 2026 to 3 January 2027; ' +
        'date moved from 18 November 2026 to 19 November 2026; number changed from INV-7731 to INV-7732; and 3 more changes',
    )
  })

  test('stays short whatever the books hold', () => {
    const long = 'a very long name '.repeat(400)
    const before = bill({ VendorRef: { value: '1', name: long }, PrivateNote: long, DocNumber: long })
    const after = bill({
      VendorRef: { value: '2', name: long.toUpperCase() },
      PrivateNote: 'x',
      DocNumber: 'y',
    })
    expect(describePayloads('bill', before, after).summary.length).toBeLessThan(330)
  })

  test('carries the code of a currency where the company’s own is not known and there is a rate', () => {
    const unknown = { ...COMPANY, homeCurrency: null }
    expect(describePayloads('bill', BILL, bill({ TotalAmt: 1, Balance: 1 }), unknown).summary).toBe(
      'Amount 1,200.00 → 1.00',
    )
    expect(
      describePayloads('bill', bill(euro), bill(euro, { TotalAmt: 1, Balance: 1 }), unknown).summary,
    ).toBe('Amount EUR 1,200.00 → EUR 1.00')
  })
})
