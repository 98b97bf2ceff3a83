import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  insertBalance,
  insertBill,
  insertCompany,
  insertCustomer,
  insertInvoice,
  insertReject,
  insertRun,
  insertSyncedCompany,
  insertVendor,
  secondsBefore,
} from '../http/rows.ts'
import { openConsole, textOf, type OpenConsole } from './open-console.ts'

let http: OpenConsole

const SCRIPT = '<script>alert(1)</script>'
const COMPANY = '/console/companies/1'

beforeAll(async () => {
  http = await openConsole()
  const { knex } = http
  await insertSyncedCompany(knex, '1', { name: `Ada & Sons ${SCRIPT}`, home_currency: 'USD' })
  await insertCompany(knex, '2', { name: 'Never Read' })
  await insertRun(knex, '1')
  await insertVendor(knex, '1', '56', `Paper ${SCRIPT}`)
  await insertCustomer(knex, '1', '7', 'New Customer')
  await insertBill(knex, '1', '1', { doc_number: '=1+1', raw: RAW })
  await insertBill(knex, '1', '2', { currency: 'EUR', total_amount: '20', balance: '-5.25' })
  await insertBill(knex, '1', '3', { deleted_at: secondsBefore(100) })
  await insertInvoice(knex, '1', '9', { total_amount: '75', balance: '0' })
  await insertBalance(knex, '1', '35')
  await knex('bills')
    .where({ qbo_id: '1' })
    .update({ total_amount: '120.50', balance: '120.50', content_hash: 'b' })
  await insertReject(knex, '1', { entity: 'bill', qbo_id: '2' })
})

afterAll(() => http.close())

const RAW = JSON.stringify({
  Id: '1',
  PrivateNote: `a note ${SCRIPT}`,
  LinkedTxn: [{ TxnId: '88', TxnType: 'BillPaymentCheck' }],
  Line: [
    {
      Id: '1',
      Description: SCRIPT,
      Amount: 120.5,
      DetailType: 'AccountBasedExpenseLineDetail',
      AccountBasedExpenseLineDetail: { AccountRef: { value: '7', name: 'Rent' } },
    },
  ],
})

async function say(path: string): Promise<string> {
  const { status, text } = await http.see(path)
  expect([path, status]).toEqual([path, 200])
  return textOf(text)
}

describe('a list', () => {
  test('shows records, sums by currency, and no deleted one', async () => {
    const text = await say(`${COMPANY}/bills`)
    expect(text).toContain('120.50 USD')
    expect(text).toContain('−5.25 EUR')
    expect(text).not.toContain('D-3')
    expect(text).toMatch(/1 bill 120\.50 USD 120\.50 USD/)
    expect(text).toMatch(/1 bill 20\.00 EUR −5\.25 EUR/)
  })

  test('shows deleted ones struck through when asked', async () => {
    const { text } = await http.see(`${COMPANY}/bills?includeDeleted=true&status=`)
    expect(text).toMatch(/<tr\s+class="gone"\s*>[\s\S]*?D-3/)
  })

  test('keeps its moment on the way to other pages, and its filters on the way to its next page', async () => {
    const { text } = await http.see(`${COMPANY}/bills?counterparty=paper&limit=1&asOf=2100-01-01T00:00:00Z`)
    expect(text).toContain(`href="${COMPANY}/invoices?asOf=2100-01-01T00%3A00%3A00Z"`)
    const [, next] = /rel="next" href="([^"]*)"/.exec(text)!
    expect(next).toContain('counterparty=paper')
    expect(next).toContain('asOf=2100')
  })

  test('pages forward through all records', async () => {
    const { text } = await http.see(`${COMPANY}/bills?limit=1&sort=docNumber`)
    const href = /<a class="button" rel="next" href="([^"]*)"/.exec(text)![1]!.replaceAll('&amp;', '&')
    expect(href).toContain('sort=docNumber')
    expect(await say(href)).toContain('D-2')
  })

  test('is not empty where nothing was read yet', async () => {
    const text = await say('/console/companies/2/bills')
    expect(text).toContain('Not read yet')
    expect(text).not.toContain('There are no bills')
  })

  test('comes as a file of all pages, in which a formula is text and an amount is not', async () => {
    const { text, headers } = await http.see(`${COMPANY}/bills.csv?limit=1`)
    expect(headers['content-type']).toContain('text/csv')
    expect(headers['content-disposition']).toContain('attachment')
    const lines = text.trim().split('\n')
    expect(lines).toHaveLength(3)
    expect(text).toContain(`'=1+1`)
    expect(text).toContain(',-5.25,')
  })
})

describe('a record', () => {
  test('says what it is, what it is made of, and every version by both clocks', async () => {
    const text = await say(`${COMPANY}/bills/1`)
    expect(text).toContain('120.50 USD')
    expect(text).toContain('Rent')
    expect(text).toContain('Bill Payment Check #88')
    expect(text).toMatch(/Amount 100\.50 → 120\.50/)
    expect(text).toMatch(/QuickBooks .* seen /)
    expect(text).toContain('"TxnType": "BillPaymentCheck"')
  })

  test('was something else before', async () => {
    const [{ valid_from: first }] = await http
      .knex('bills_history')
      .where({ qbo_id: '1' })
      .select('valid_from')
    const text = await say(`${COMPANY}/bills/1?asOf=${(first as Date).toISOString().replace('Z', '999Z')}`)
    expect(text).toContain('100.50 USD')
    expect(text).toContain('Total 100.50 USD Open 100.50 USD')
    expect(text).not.toContain('Amount 100.50 → 120.50')
  })

  test('tells that a newer version was rejected', async () => {
    expect(await say(`${COMPANY}/bills/2`)).toContain('A newer version of it could not be read')
  })

  test('is compared side by side, all values or those that differ', async () => {
    expect(await say(`${COMPANY}/bills/1/compare`)).toMatch(/Total 100\.50 120\.50/)
    expect(await say(`${COMPANY}/bills/1/compare`)).not.toContain('Due date')
    expect(await say(`${COMPANY}/bills/1/compare?all=true`)).toContain('Due date 1 March 2026 1 March 2026')
  })

  test.each(['invoices/9', 'balances/35', 'vendors/56', 'customers/7'])('has a page: %s', async (path) => {
    expect(await say(`${COMPANY}/${path}`)).toContain('Where this comes from')
  })

  test('that does not exist is said not to', async () => {
    const { status, text } = await http.see(`${COMPANY}/bills/404`)
    expect(status).toBe(404)
    expect(textOf(text)).toContain('Company 1 has no bill 404')
  })
})

describe('changes', () => {
  test('are told newest first, with the client where they are of all', async () => {
    const text = await say('/console/changes')
    expect(text).toContain('Amount 100.50 → 120.50')
    expect(text).toContain('Ada & Sons')
    expect(await say(`${COMPANY}/changes`)).toContain('Amount 100.50 → 120.50')
  })

  test('are those of one run, and of a filter', async () => {
    const other = await insertRun(http.knex, '1', { started_at: new Date(0), finished_at: new Date(1000) })
    expect(await say(`/console/changes?run=${other}`)).toContain('No changes match these filters')
    expect(await say('/console/changes?entity=vendor&change=&counterparty=')).toContain('Paper')
    expect(await say('/console/changes?entity=vendor')).not.toContain('Amount 100.50')
  })

  test('come as a file', async () => {
    const { text } = await http.see('/console/changes.csv?entity=bill')
    expect(text).toContain('Amount 100.50 → 120.50')
  })
})

describe('a search', () => {
  test.each([
    ['ada', 'Clients'],
    ['D-2', 'Bill D-2'],
    ['120.5', 'Bill =1+1'],
    ['120.50', 'Bill =1+1'],
    ['9', 'Invoice I-9'],
    ['paper', 'Vendor Paper'],
    ['checking', 'Account Checking'],
    ['run 1', 'Run 1'],
    ['1', 'Run 1'],
  ])('for %s finds %s', async (q, found) => {
    expect(await say(`/console/search?q=${encodeURIComponent(q)}`)).toContain(found)
  })

  test('that finds nothing says so', async () => {
    expect(await say('/console/search?q=%25')).toContain('Nothing is called that')
    expect(await say("/console/search?q=';%20DROP")).toContain('Nothing is called that')
  })
})

test('words of others are shown as they are, never as markup', async () => {
  for (const path of [
    `${COMPANY}/bills`,
    `${COMPANY}/bills/1`,
    `${COMPANY}/bills/1/compare?all=true`,
    '/console/changes',
    `/console/search?q=${encodeURIComponent(SCRIPT)}`,
  ]) {
    const { text } = await http.see(path)
    expect(text).not.toContain(SCRIPT)
    expect(text).toContain('&lt;script&gt;')
  }
})
