import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { describeVersion } from '../../../src/books/versions/describe-version.ts'
import { plainJson } from '../../../src/books/versions/payload-content.ts'
import { otherDetails, shownContent } from '../../../src/books/versions/shown-content.ts'
import type { Entity } from '../../../src/domain/entity.ts'
import { contentHash } from '../../../src/quickbooks/content-hash.ts'
import { applyDiff, comparable } from './apply-diff.ts'
import {
  ACCOUNT,
  accountLine,
  BILL,
  COMPANY,
  describePayloads,
  INVOICE,
  noiseOf,
  PAYLOADS,
  VENDOR,
  versionOf,
  withLine,
  without,
  type Payload,
} from './payloads.ts'

const diffOf = (entity: Entity, before: Payload, after: Payload) =>
  describePayloads(entity, before, after).diff

describe('a difference', () => {
  test('is named by its path in the record, with exact amounts as text', () => {
    const before = { ...BILL, TotalAmt: 1200.1, Balance: 1200.1 }
    const after = { ...BILL, VendorRef: { value: '40', name: 'Southwind' } }
    expect(diffOf('bill', before, after)).toEqual([
      { path: 'vendor.id', before: '31', after: '40' },
      { path: 'vendor.name', before: 'Northwind Paper', after: 'Southwind' },
      { path: 'totalAmount', before: '1200.1', after: '1200' },
      { path: 'balance', before: '1200.1', after: '1200' },
    ])
  })

  test('keeps every digit of an amount no float could hold', () => {
    const text = JSON.stringify(BILL)
    const big = (cents: string) => text.replace('"Amount":800', `"Amount":12345678901234567.${cents}`)
    const pair = { before: versionOf('bill', big('88')), after: versionOf('bill', big('89')) }
    expect(describeVersion('bill', pair, COMPANY).diff).toEqual([
      { path: 'lines[Id=1].Amount', before: '12345678901234567.88', after: '12345678901234567.89' },
    ])
  })

  test('in a line is found by its Id, wherever it stands', () => {
    const lines = BILL['Line'] as Payload[]
    const after = {
      ...BILL,
      Line: [accountLine(3, 10, '17', 'Office Supplies', 'Ink'), { ...lines[1], Amount: 410 }],
    }
    expect(diffOf('bill', BILL, after)).toEqual([
      { path: 'lines[Id=1]', before: expect.objectContaining({ Amount: '800' }), after: null },
      { path: 'lines[Id=2].Amount', before: '400', after: '410' },
      { path: 'lines[Id=3]', before: null, after: expect.objectContaining({ Description: 'Ink' }) },
      { path: 'lines', before: ['Id=1', 'Id=2'], after: ['Id=3', 'Id=2'] },
    ])
  })

  test('in a line without an Id is found by what kind of line it is', () => {
    const after = withLine(INVOICE, 1, (line) => ({ ...line, Amount: 260 }))
    expect(diffOf('invoice', INVOICE, after)).toEqual([
      { path: 'lines[1].Amount', before: '250', after: '260' },
    ])
  })

  test('of a line added before the subtotal is that line alone', () => {
    const [first, subtotal] = INVOICE['Line'] as Payload[]
    const after = { ...INVOICE, Line: [first, { ...first, Id: '2', LineNum: 2 }, subtotal] }
    expect(diffOf('invoice', INVOICE, after).map(({ path }) => path)).toEqual(['lines[Id=2]'])
  })

  test('of a field that the record does not show by name stands under details', () => {
    const after = {
      ...without(BILL, 'PrivateNote'),
      SalesTermRef: { value: '2', name: 'Net 15' },
      LinkedTxn: [{ TxnId: '88', TxnType: 'PurchaseOrder' }],
      'odd.name': 1,
    }
    expect(diffOf('bill', BILL, after)).toEqual([
      { path: 'details.SalesTermRef.value', before: '3', after: '2' },
      { path: 'details.SalesTermRef.name', before: 'Net 30', after: 'Net 15' },
      { path: 'details.PrivateNote', before: 'as agreed', after: null },
      { path: 'details.LinkedTxn', before: null, after: [{ TxnId: '88', TxnType: 'PurchaseOrder' }] },
      { path: 'details["odd.name"]', before: null, after: '1' },
    ])
  })

  test('of a link is that link, however the links are sorted', () => {
    const linked = (...ids: string[]) => ({
      ...BILL,
      LinkedTxn: ids.map((TxnId) => ({ TxnId, TxnType: 'PurchaseOrder' })),
    })
    expect(diffOf('bill', linked('1', '2'), linked('3', '2'))).toEqual([
      { path: 'details.LinkedTxn[TxnId=1]', before: { TxnId: '1', TxnType: 'PurchaseOrder' }, after: null },
      { path: 'details.LinkedTxn[TxnId=3]', before: null, after: { TxnId: '3', TxnType: 'PurchaseOrder' } },
    ])
    expect(diffOf('bill', linked('1', '2'), linked('2', '1'))).toEqual([])
  })

  test('of a status is one that the change made, by the day on which it was made', () => {
    const late = { ...BILL, DueDate: '2026-11-01' }
    const paid = { ...late, Balance: 0 }
    expect(diffOf('bill', late, paid)).toEqual([
      { path: 'balance', before: '1200', after: '0' },
      { path: 'status', before: 'overdue', after: 'paid' },
    ])
    expect(diffOf('bill', late, { ...late, DocNumber: '7' }).map(({ path }) => path)).toEqual(['docNumber'])
  })
})

describe('no difference', () => {
  test.each<[string, Entity, Payload, Payload]>([
    [
      'bookkeeping',
      'bill',
      BILL,
      {
        ...BILL,
        SyncToken: '9',
        sparse: true,
        domain: 'x',
        MetaData: { ...(BILL['MetaData'] as Payload), Extra: 1 },
      },
    ],
    ['the name of a party', 'bill', BILL, { ...BILL, VendorRef: { value: '31', name: 'Renamed' } }],
    [
      'the name in a reference',
      'bill',
      BILL,
      { ...BILL, SalesTermRef: { value: '3' }, CurrencyRef: { value: 'USD' } },
    ],
    [
      'where a geocoder puts an address',
      'invoice',
      { ...INVOICE, ShipAddr: { Line1: 'a', Lat: '1' } },
      { ...INVOICE, ShipAddr: { Line1: 'a', Long: 'INVALID' } },
    ],
    [
      'what is empty',
      'invoice',
      INVOICE,
      { ...without(INVOICE, 'CustomField'), TaxExemptionRef: {}, CustomExtensions: [] },
    ],
    ['how a number is written', 'balance', ACCOUNT, { ...ACCOUNT, Odd: undefined, CurrentBalance: 10250.75 }],
    ['what a vendor is owed', 'vendor', VENDOR, { ...VENDOR, Balance: 99 }],
  ])('is %s', (_name, entity, before, after) => {
    expect(diffOf(entity, before, after)).toEqual([])
  })
})

/** Edits of every kind, chosen by numbers: what to change, where, and to what. */
type Edit = readonly [kind: number, place: number, value: number]

describe('over histories of random edits', () => {
  const edits = fc.array(fc.tuple(fc.nat(9), fc.nat(1000), fc.integer({ min: -500, max: 500 })), {
    minLength: 1,
    maxLength: 5,
  })
  const histories = fc.tuple(
    fc.constantFrom<Entity>('bill', 'invoice', 'balance', 'vendor', 'customer'),
    fc.array(edits, { minLength: 1, maxLength: 6 }),
  )

  test('each diff applied to its version gives the next one, says all that is content, and is told in words', () => {
    fc.assert(
      fc.property(histories, ([entity, steps]) => {
        let payload = without(PAYLOADS[entity], 'LinkedTxn', 'CustomField')
        for (const step of steps) {
          const next = step.reduce(edited, payload)
          holds(entity, payload, next)
          payload = next
        }
      }),
      { seed: 20261126, numRuns: 400 },
    )
  })
})

function holds(entity: Entity, payload: Payload, next: Payload): void {
  const [before, after] = [versionOf(entity, payload), versionOf(entity, next)]
  const { diff, summary } = describeVersion(entity, { before, after }, COMPANY)
  const day = COMPANY.dayOf(new Date(after.validFrom))
  const shown = (version: typeof before) => {
    const tree = shownContent(entity, version, day)
    return comparable(plainJson({ ...tree, details: otherDetails(entity, tree) }))
  }
  expect(comparable(applyDiff(shown(before), diff))).toEqual(shown(after))
  const isChanged = contentHash(before.raw, noiseOf(entity)) !== contentHash(after.raw, noiseOf(entity))
  expect({ isChanged, differs: diff.length > 0 }).toEqual({ isChanged, differs: isChanged })
  expect(summary).toMatch(/^[\p{Lu}\d“]/u)
  expect(summary).not.toMatch(/undefined|null|NaN|\[object|details\.|\[Id=|Ref\b/)
  expect(summary.length).toBeLessThan(340)
}

const FIELDS = [
  'DocNumber',
  'PrivateNote',
  'Odd',
  'SalesTermRef',
  'ShipAddr',
  'TxnTaxDetail',
  'CustomField',
  'AcctNum',
  'Other',
]
const TYPES = ['BillPaymentCheck', 'VendorCredit', 'PurchaseOrder', 'Payment']

function edited(payload: Payload, [kind, place, value]: Edit): Payload {
  const lines = (payload['Line'] ?? []) as Payload[]
  const at = lines.length === 0 ? 0 : place % lines.length
  const field = FIELDS[place % FIELDS.length]!
  const text = String(value)
  switch (kind) {
    case 0:
      return { ...payload, [field]: someValue(field, place, value) }
    case 1:
      return without(payload, field)
    case 2:
      return 'TotalAmt' in payload
        ? { ...payload, TotalAmt: value / 4 }
        : { ...payload, CurrentBalance: value }
    case 3:
      return { ...payload, Balance: value / 4 }
    case 4: {
      const links = (payload['LinkedTxn'] as Payload[] | undefined) ?? []
      const link = { TxnId: String(place % 5), TxnType: TYPES[place % TYPES.length] }
      const others = links.filter((one) => value > 0 || one['TxnId'] !== link.TxnId)
      const next = value > 250 ? [link, ...others] : value > 0 ? [...others].reverse() : others
      return next.length > 0 ? { ...payload, LinkedTxn: next } : without(payload, 'LinkedTxn')
    }
    case 5:
      return lines.length === 0
        ? payload
        : withLine(payload, at, (line) => ({ ...line, Amount: value, Description: text }))
    case 6: {
      const added =
        value % 3 === 0
          ? { Amount: value, DetailType: 'DescriptionOnly' }
          : accountLine(value + 600, value, text, undefined, text)
      const known = lines.some((line) => line['Id'] === added['Id'] && 'Id' in added)
      return lines.length === 0 || known ? payload : { ...payload, Line: lines.toSpliced(at, 0, added) }
    }
    case 7:
      return lines.length < 2 ? payload : { ...payload, Line: lines.toSpliced(at, 1) }
    case 8:
      return lines.length === 0 ? payload : { ...payload, Line: [...lines.slice(at), ...lines.slice(0, at)] }
    default:
      return lines.length === 0
        ? { ...payload, ParentRef: { value: text } }
        : withLine(payload, at, (line) => ({
            ...line,
            AccountBasedExpenseLineDetail: { AccountRef: { value: text, name: `Account ${text}` } },
          }))
  }
}

function someValue(field: string, place: number, value: number): unknown {
  const text = String(value)
  if (field.endsWith('Ref')) return { value: text, ...(place % 2 === 0 ? { name: `Name ${text}` } : {}) }
  if (field === 'ShipAddr') return { Line1: text, Lat: String(place) }
  if (field === 'TxnTaxDetail')
    return { TotalTax: value, TaxLine: [{ Amount: value, DetailType: 'TaxLineDetail' }] }
  if (field === 'CustomField')
    return [{ DefinitionId: String((place % 3) + 1), Name: 'PO', StringValue: text }]
  if (field === 'Odd') return [value, text, { deep: [place] }, true].slice(place % 3)
  return place % 2 === 0 && field === 'Other' ? value : text
}
