import { describe, expect, test } from '@jest/globals'

import type { Reject, Tombstone, Version } from '../../src/domain/change.ts'
import type { Entity } from '../../src/domain/entity.ts'
import { isTombstone, mapRecord, mapStored, mapTombstone } from '../../src/quickbooks/mappers.ts'
import { parseJson } from '../../src/domain/parse-json.ts'

const META_DATA =
  '"MetaData":{"CreateTime":"2026-11-20T10:01:09-08:00","LastUpdatedTime":"2026-11-22T07:12:40-08:00"}'

const BILL = `{"domain":"QBO","sparse":false,"Id":"145","SyncToken":"1",${META_DATA},
  "DocNumber":"INV-7731","TxnDate":"2026-11-18","DueDate":"2026-12-18","SalesTermRef":{"value":"3"},
  "CurrencyRef":{"value":"EUR","name":"Euro"},"ExchangeRate":1.0832,
  "VendorRef":{"value":"31","name":"Northwind Paper"},"APAccountRef":{"value":"33","name":"Accounts Payable (A/P)"},
  "LinkedTxn":[{"TxnId":"146","TxnType":"BillPaymentCheck"}],
  "TotalAmt":120.00,"Balance":40.00,"HomeBalance":43.33,"PrivateNote":"paid in part"}`

const INVOICE = `{"Id":"310","SyncToken":"2",${META_DATA},"DocNumber":"1042","TxnDate":"2026-11-02",
  "DueDate":"2026-12-02","CustomerRef":{"value":"12","name":"Acme Robotics"},"TotalAmt":250.0,"Balance":150.0,
  "EmailStatus":"EmailSent"}`

function map(entity: Entity, text: string, homeCurrency: string | null = 'USD'): Version | Reject {
  return mapRecord(entity, parseJson(text), { homeCurrency })
}

function version(entity: Entity, text: string, homeCurrency: string | null = 'USD'): Version {
  const mapped = map(entity, text, homeCurrency)
  if (!('kind' in mapped)) throw mapped.reason
  return mapped
}

/** A minimal bill or invoice with some fields replaced, or left out where the text is null. */
function transaction(fields: Record<string, string | null>): string {
  const all = { Id: '"1"', TxnDate: '"2026-11-18"', TotalAmt: '1', Balance: '1', ...fields }
  const texts = Object.entries(all).flatMap(([name, text]) => (text === null ? [] : [`"${name}":${text}`]))
  return `{${[...texts, ...('MetaData' in fields ? [] : [META_DATA])].join(',')}}`
}

describe('a record that is in order', () => {
  test('a bill', () => {
    expect(version('bill', BILL)).toEqual({
      kind: 'version',
      qboId: '145',
      syncToken: '1',
      sourceCreatedAt: new Date('2026-11-20T18:01:09Z'),
      sourceUpdatedAt: new Date('2026-11-22T15:12:40Z'),
      content: {
        vendorId: '31',
        vendorName: 'Northwind Paper',
        docNumber: 'INV-7731',
        txnDate: '2026-11-18',
        dueDate: '2026-12-18',
        currency: 'EUR',
        exchangeRate: '1.0832',
        totalAmount: '120',
        balance: '40',
        homeBalance: '43.33',
        apAccountId: '33',
        privateNote: 'paid in part',
      },
      contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      raw: BILL.replaceAll(/\n\s*/g, ''),
    })
  })

  test('an invoice, in the home currency where it names none', () => {
    expect(version('invoice', INVOICE).content).toEqual({
      customerId: '12',
      customerName: 'Acme Robotics',
      docNumber: '1042',
      txnDate: '2026-11-02',
      dueDate: '2026-12-02',
      currency: 'USD',
      exchangeRate: null,
      totalAmount: '250',
      balance: '150',
      homeTotalAmount: null,
      homeBalance: null,
      emailStatus: 'EmailSent',
      privateNote: null,
      voided: false,
    })
  })

  test('an account', () => {
    const account = `{"Id":"35","SyncToken":"0",${META_DATA},"Name":"Operating","SubAccount":true,
      "ParentRef":{"value":"34"},"FullyQualifiedName":"Cash:Operating","Active":false,"Classification":"Asset",
      "AccountType":"Bank","AccountSubType":"Checking","CurrentBalance":-10250.75,
      "CurrentBalanceWithSubAccounts":10250.750}`
    expect(version('balance', account, null).content).toEqual({
      accountName: 'Operating',
      fullyQualifiedName: 'Cash:Operating',
      accountType: 'Bank',
      accountSubType: 'Checking',
      classification: 'Asset',
      currency: null,
      currentBalance: '-10250.75',
      currentBalanceWithSubAccounts: '10250.75',
      parentId: '34',
      active: false,
    })
  })

  test('a vendor and a customer, whose balances are no content', () => {
    const vendor = (balance: string) =>
      `{"Id":"31",${META_DATA},"DisplayName":"Northwind Paper","CompanyName":"Northwind","Balance":${balance}}`
    expect(version('vendor', vendor('40')).content).toEqual({
      displayName: 'Northwind Paper',
      companyName: 'Northwind',
      currency: 'USD',
      active: true,
    })
    expect(version('vendor', vendor('40')).contentHash).toBe(version('vendor', vendor('41')).contentHash)

    const customer = (balances: string) =>
      `{"Id":"12",${META_DATA},"DisplayName":"Acme","FullyQualifiedName":"Group:Acme","Active":true,
        "ParentRef":{"value":"11"},${balances}}`
    expect(version('customer', customer('"Balance":1,"BalanceWithJobs":2')).content).toEqual({
      displayName: 'Acme',
      fullyQualifiedName: 'Group:Acme',
      parentId: '11',
      currency: 'USD',
      active: true,
    })
    expect(version('customer', customer('"Balance":1,"BalanceWithJobs":2')).contentHash).toBe(
      version('customer', customer('"Balance":3,"BalanceWithJobs":4')).contentHash,
    )
  })

  test('an amount of twenty digits and more than two decimals is exact', () => {
    const bill = version('bill', transaction({ TotalAmt: '12345678901234567890.123456', Balance: '"-0.10"' }))
    expect(bill.content).toMatchObject({ totalAmount: '12345678901234567890.123456', balance: '-0.1' })
    expect(bill.raw).toContain('"TotalAmt":12345678901234567890.123456')
  })

  test('an Id that is a number counts as its digits', () => {
    expect(version('bill', transaction({ Id: '12345678901234567890' })).qboId).toBe('12345678901234567890')
  })

  test('null bytes and lone surrogates stay in it as escapes', () => {
    const bill = version('bill', transaction({ PrivateNote: String.raw`"\u0000\udc00"` }))
    expect(bill.content).toMatchObject({ privateNote: '\u0000\udc00' })
    expect(bill.raw).toContain(String.raw`"\u0000\udc00"`)
  })

  test('what was stored maps as what was served', () => {
    const served = version('bill', BILL)
    expect(mapStored('bill', served.raw, { homeCurrency: 'USD' })).toEqual(served)
  })
})

describe('an invoice is voided', () => {
  test.each([
    [
      'zero amounts and a note that says so',
      { TotalAmt: '0', Balance: '0.00', PrivateNote: '"Voided - x"' },
      true,
    ],
    ['an amount is left', { TotalAmt: '0', Balance: '1', PrivateNote: '"Voided"' }, false],
    ['the note says it further in', { TotalAmt: '0', Balance: '0', PrivateNote: '"not Voided"' }, false],
    ['no note', { TotalAmt: '0', Balance: '0' }, false],
  ])('%s', (_what, fields, voided) => {
    expect(version('invoice', transaction(fields)).content).toMatchObject({ voided })
  })
})

describe('a record that cannot be mapped is rejected, and says why', () => {
  test.each<[string, Record<string, string | null>, string]>([
    ['no amount', { TotalAmt: null }, 'TotalAmt should be an amount, and nothing stood there'],
    ['a null amount', { Balance: 'null' }, 'Balance should be an amount, and null stood there'],
    [
      'an amount that is a word',
      { TotalAmt: '"abc"' },
      'TotalAmt should be an amount, and "abc" stood there',
    ],
    [
      'an amount that is an object',
      { TotalAmt: '{"a":1}' },
      'TotalAmt should be an amount, and {"a":1} stood there',
    ],
    [
      'an amount beyond measure',
      { TotalAmt: '1e400' },
      'TotalAmt should be an amount, and 1e400 stood there',
    ],
    ['a comma', { HomeBalance: '"1,50"' }, 'HomeBalance should be an amount, and "1,50" stood there'],
    ['no date', { TxnDate: null }, 'TxnDate should be a date, and nothing stood there'],
    [
      'a day that does not exist',
      { DueDate: '"2026-02-30"' },
      'DueDate should be a date, and "2026-02-30" stood there',
    ],
    [
      'a year that Postgres does not know',
      { TxnDate: '"0000-01-01"' },
      'TxnDate should be a date, and "0000-01-01" stood there',
    ],
    [
      'a date with a time',
      { TxnDate: '"2026-02-03T00:00:00Z"' },
      'TxnDate should be a date, and "2026-02-03T00:00:00Z" stood there',
    ],
    ['a number for a date', { TxnDate: '20260203' }, 'TxnDate should be a date, and 20260203 stood there'],
    ['a list for a text', { DocNumber: '[]' }, 'DocNumber should be a text, and [] stood there'],
    ['a text for a reference', { VendorRef: '"31"' }, 'VendorRef should be an object, and "31" stood there'],
    [
      'no MetaData',
      { MetaData: null },
      'MetaData.LastUpdatedTime should be a time with an offset, and nothing stood there',
    ],
    [
      'a time without an offset',
      { MetaData: '{"LastUpdatedTime":"2026-11-22T07:12:40"}' },
      'MetaData.LastUpdatedTime should be a time with an offset, and "2026-11-22T07:12:40" stood there',
    ],
    [
      'a time on a day that does not exist',
      { MetaData: '{"LastUpdatedTime":"2026-02-30T07:12:40Z"}' },
      'MetaData.LastUpdatedTime should be a time with an offset, and "2026-02-30T07:12:40Z" stood there',
    ],
    [
      'a time that does not exist',
      { MetaData: '{"LastUpdatedTime":"2026-11-22T25:12:40Z"}' },
      'MetaData.LastUpdatedTime should be a time with an offset, and "2026-11-22T25:12:40Z" stood there',
    ],
  ])('%s', (_what, fields, message) => {
    const text = transaction(fields)
    expect(map('bill', text)).toEqual({
      qboId: '1',
      position: null,
      payload: text,
      reason: expect.objectContaining({ code: 'invalid_payload', message }),
      sourceUpdatedAt: 'MetaData' in fields ? null : new Date('2026-11-22T15:12:40.000Z'),
    })
  })

  test.each(['null', '"abc"', '"-1"', '1.5', '{}', '""'])('an Id of %s', (id) => {
    expect(map('bill', transaction({ Id: id }))).toMatchObject({
      qboId: null,
      reason: { code: 'invalid_payload' },
    })
  })

  test.each(['null', '5', '"x"', '[]', 'true'])('%s in place of a record', (text) => {
    expect(map('bill', text)).toMatchObject({
      qboId: null,
      payload: text,
      reason: { code: 'invalid_payload' },
    })
  })

  test.each<[Entity, string]>([
    ['vendor', 'DisplayName'],
    ['customer', 'DisplayName'],
    ['balance', 'Name'],
  ])('a %s without %s', (entity, field) => {
    const message = `${field} should be a text, and nothing stood there`
    expect(map(entity, transaction({}))).toMatchObject({ qboId: '1', reason: { message } })
    expect(map(entity, transaction({ [field]: '""' }))).toMatchObject({
      qboId: '1',
      reason: { message: `${field} should be a text, and "" stood there` },
    })
  })

  test('Active that is neither true nor false', () => {
    expect(map('vendor', transaction({ DisplayName: '"x"', Active: '"yes"' }))).toMatchObject({
      reason: { message: 'Active should be true or false, and "yes" stood there' },
    })
  })

  test('a wrong value is quoted only in part', () => {
    const reject = map('bill', transaction({ TotalAmt: JSON.stringify('x'.repeat(5_000)) }))
    expect((reject as Reject).reason.message.length).toBeLessThan(200)
  })

  test('nesting deeper than the stack harms that record alone', () => {
    const deep = `${'['.repeat(6_000)}${']'.repeat(6_000)}`
    expect(mapStored('bill', transaction({ Line: deep.repeat(1) }), { homeCurrency: null })).toBeDefined()
  })

  test('a stored payload that is no JSON', () => {
    expect(mapStored('bill', '{"Id":', { homeCurrency: null })).toMatchObject({
      qboId: null,
      payload: '{"Id":',
      reason: { code: 'invalid_payload' },
    })
  })
})

describe('a tombstone', () => {
  const TOMBSTONE =
    '{"domain":"QBO","status":"Deleted","Id":"131","MetaData":{"LastUpdatedTime":"2026-11-22T07:13:05-08:00"}}'

  test('is known by its literal status', () => {
    expect(
      ['"Deleted"', '"deleted"', '"Voided"', 'true'].map((status) =>
        isTombstone(parseJson(`{"status":${status}}`)),
      ),
    ).toEqual([true, false, false, false])
  })

  test('says what was deleted and when', () => {
    const tombstone: Tombstone = {
      kind: 'tombstone',
      qboId: '131',
      sourceUpdatedAt: new Date('2026-11-22T15:13:05Z'),
    }
    expect(mapTombstone(parseJson(TOMBSTONE))).toEqual(tombstone)
  })

  test('without an Id or a time is rejected', () => {
    expect(mapTombstone(parseJson('{"status":"Deleted","Id":"1"}'))).toMatchObject({ qboId: '1' })
    expect(mapTombstone(parseJson(TOMBSTONE.replace('"Id":"131",', '')))).toMatchObject({ qboId: null })
  })
})
