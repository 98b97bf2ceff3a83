import { describe, expect, test } from '@jest/globals'
import { createCompany } from '../../src/sandbox/company.ts'
import { DEMO_COMPANIES } from '../../src/sandbox/demo-companies.ts'
import { ENTITIES } from '../../src/sandbox/wire.ts'
import { company, START_MS } from './intuit.ts'

const now = () => START_MS
const DAY_MS = 86_400_000

function everything(spec: Parameters<typeof company>[0], seed: number): string[] {
  const { books } = createCompany(company(spec), { now, seed, keeper: null })
  return ENTITIES.flatMap((type) => books.recordsText(type))
}

describe('the history of a new company', () => {
  test('is the same for the same seed and another for another', () => {
    const once = everything({ records: 200, multiCurrency: true }, 1)
    expect(everything({ records: 200, multiCurrency: true }, 1)).toEqual(once)
    expect(everything({ records: 200, multiCurrency: true }, 2)).not.toEqual(once)
    expect(everything({ records: 200, multiCurrency: true, realmId: '2' }, 1)).not.toEqual(once)
  })

  test.each([10, 150, 3000])('of %i records has about as many', (records) => {
    const { length } = everything({ records }, 1)
    expect(Math.abs(length - records)).toBeLessThan(Math.max(6, records * 0.1))
  })

  test('lies within two years, in order, with some seconds shared', () => {
    const { books } = createCompany(company({ records: 1000 }), { now, seed: 1, keeper: null })
    const times = books.records('Bill').map(({ MetaData }) => Date.parse(MetaData.CreateTime))
    expect(Math.min(...times)).toBeGreaterThan(START_MS - 731 * DAY_MS)
    expect(Math.max(...times)).toBeLessThanOrEqual(START_MS)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    const all = [...times, ...books.records('Invoice').map(({ MetaData }) => Date.parse(MetaData.CreateTime))]
    expect(new Set(all).size).toBeLessThan(all.length)
  })

  test('has open, partly paid, paid and overdue bills and a void invoice', () => {
    const { books } = createCompany(company({ records: 3000 }), { now, seed: 1, keeper: null })
    const bills = books.records('Bill')
    const count = (fits: (bill: (typeof bills)[number]) => boolean) => bills.filter(fits).length
    expect(count(({ Balance }) => Balance === 0)).toBeGreaterThan(100)
    expect(count(({ Balance, TotalAmt }) => Number(Balance) > 0 && Balance !== TotalAmt)).toBeGreaterThan(20)
    expect(
      count(({ Balance, DueDate }) => Number(Balance) > 0 && String(DueDate) < '2026-11-22'),
    ).toBeGreaterThan(50)
    expect(
      books.records('Invoice').filter(({ PrivateNote }) => PrivateNote === 'Voided').length,
    ).toBeGreaterThan(0)
  })

  test('has long invoices where they are wanted', () => {
    const { books } = createCompany(company({ records: 100, linesPerInvoice: 200 }), {
      now,
      seed: 1,
      keeper: null,
    })
    // The lines and their subtotal.
    for (const { Line } of books.records('Invoice')) expect(Line).toHaveLength(201)
  })

  test('no record was touched after now', () => {
    const { books } = createCompany(company({ records: 500 }), { now, seed: 1, keeper: null })
    for (const type of ENTITIES) {
      for (const { MetaData } of books.records(type))
        expect(Date.parse(MetaData.LastUpdatedTime)).toBeLessThanOrEqual(START_MS)
    }
  })
})

describe('the demo companies', () => {
  test('are five, of sizes far apart, in three currencies, one with several', () => {
    expect(new Set(DEMO_COMPANIES.map(({ realmId }) => realmId)).size).toBe(5)
    expect(DEMO_COMPANIES.map(({ records }) => records).sort((a, b) => a - b)).toEqual([
      150, 240, 900, 4000, 12000,
    ])
    expect([...new Set(DEMO_COMPANIES.map(({ homeCurrency }) => homeCurrency))].sort()).toEqual([
      'EUR',
      'GBP',
      'USD',
    ])
    expect(DEMO_COMPANIES.filter(({ multiCurrency }) => multiCurrency)).toHaveLength(1)
  })
})

describe('the history of a solvent firm', () => {
  const AGE_DAYS = [0, 30, 60, 90]

  /** Open amounts by how long they are overdue: not yet, up to 30, 60 and 90 days, longer. */
  function ages(records: readonly object[]): number[] {
    const sums = [0, 0, 0, 0, 0]
    for (const { Balance, DueDate } of records as { Balance: unknown; DueDate: unknown }[]) {
      const overdueDays = (START_MS - Date.parse(String(DueDate))) / DAY_MS
      const place = AGE_DAYS.findIndex((most) => overdueDays <= most)
      sums[place < 0 ? AGE_DAYS.length : place]! += Number(Balance)
    }
    return sums
  }

  const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0)

  describe.each([1, 2, 3])('of seed %i', (seed) => {
    test.each(DEMO_COMPANIES)('is believable in $name', (spec) => {
      const { books } = createCompany(spec, { now, seed, keeper: null })
      const bank = books.records('Account').filter(({ AccountType }) => AccountType === 'Bank')
      const cash = bank.map(({ CurrentBalance }) => Number(CurrentBalance))
      const invoices = books.records('Invoice')
      const sold = sum(invoices.map(({ TotalAmt }) => Number(TotalAmt)))
      expect(Math.min(...cash)).toBeGreaterThan(0)
      expect(sum(cash)).toBeLessThan(400_000 + sold / 2)
      for (const open of [ages(invoices), ages(books.records('Bill'))]) {
        // In a small firm one bill in dispute is a large share.
        if (sum(open) < 50_000) continue
        expect(open[0]).toBeGreaterThan(sum(open) / 2)
        expect(open[4]).toBeLessThan(sum(open) / 4)
      }
      for (const { Balance, TotalAmt } of [...invoices, ...books.records('Bill')]) {
        expect(Number(Balance)).toBeGreaterThanOrEqual(0)
        expect(Number(Balance)).toBeLessThanOrEqual(Number(TotalAmt))
      }
    })
  })

  test('pays wages every other week and rent each month', () => {
    const { books } = createCompany(DEMO_COMPANIES[2]!, { now, seed: 1, keeper: null })
    const daysOf = (name: string) =>
      books
        .records('Bill')
        .filter(({ VendorRef }) => (VendorRef as { name: string }).name === name)
        .map(({ TxnDate }) => Date.parse(String(TxnDate)) / DAY_MS)
    const gaps = (days: number[]) => new Set(days.slice(1).map((day, place) => day - days[place]!))
    expect(gaps(daysOf('Brightside Payroll'))).toEqual(new Set([14]))
    expect(gaps(daysOf('Kingsway Estates'))).toEqual(new Set([30]))
  })
})
