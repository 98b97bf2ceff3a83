import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { NOW as PRESENT, type Moment } from '../../../src/books/moment.ts'
import {
  readPortfolio,
  type PortfolioCompany,
  type PortfolioFilters,
} from '../../../src/books/portfolio/portfolio.ts'
import { PORTFOLIO_SORTS, type PortfolioSort } from '../../../src/books/portfolio/portfolio-order.ts'
import { companyDay } from '../../../src/domain/company-time.ts'
import { openHttp, type OpenHttp } from '../../http/open-http.ts'
import {
  insertBalance,
  insertBill,
  insertCompany,
  insertInvoice,
  insertReject,
  insertSyncedCompany,
  insertVendor,
  NOW,
  secondsBefore,
} from '../../http/rows.ts'
import { comparable, randomOf } from './random-books.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
})

afterAll(() => http.close())

function read(
  filters: PortfolioFilters = {},
  {
    moment = PRESENT,
    by = 'name',
    descending = false,
  }: { moment?: Moment; by?: PortfolioSort; descending?: boolean } = {},
) {
  return readPortfolio(
    { database: http.database, intervalSeconds: 900 },
    { moment, filters, order: { by, descending } },
  )
}

async function one(realmId: string, moment: Moment = PRESENT): Promise<PortfolioCompany> {
  const { data } = await read({ realmId }, { moment })
  expect(data).toHaveLength(1)
  return data[0]!
}

/** Sums without their changes, which go by the clock of Postgres. */
function booksOf({ cash, receivables, payables }: PortfolioCompany) {
  return comparable({ cash, receivables, payables })
}

describe('random books', () => {
  test.each([1, 2, 3, 4])(
    'add up to the cent as a plain loop does, whatever was kept (seed %i)',
    async (seed) => {
      const random = randomOf(seed)
      const realmId = `90${seed}`
      const zone = random.pick(['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'America/New_York', null])
      await insertSyncedCompany(http.knex, realmId, { time_zone: zone, home_currency: 'USD' })
      const today = companyDay(NOW, zone)
      const books = random.books(today)
      await books.insert(http.knex, realmId)
      const first = await one(realmId)
      expect(first.today).toBe(today)
      expect(booksOf(first)).toEqual(comparable(books.sums(today)))
      for (let change = 0; change < 3; change += 1) {
        await books.change(http.knex, realmId)
        expect(booksOf(await one(realmId))).toEqual(comparable(books.sums(today)))
        // Once more, now from what was kept.
        expect(booksOf(await one(realmId))).toEqual(comparable(books.sums(today)))
      }
    },
  )

  test.each([5, 6])('were what they were at every moment (seed %i)', async (seed) => {
    const random = randomOf(seed)
    const realmId = `90${seed}`
    await insertSyncedCompany(http.knex, realmId, { home_currency: 'USD' })
    const books = random.books(companyDay(NOW, null))
    await books.insert(http.knex, realmId)
    const moments: { readonly asOf: string; readonly expected: object }[] = []
    for (let change = 0; change < 4; change += 1) {
      const asOf = await clockOf(http)
      moments.push({ asOf, expected: books.sums(companyDay(new Date(asOf), null)) })
      await books.change(http.knex, realmId)
    }
    for (const { asOf, expected } of moments) {
      expect(booksOf(await one(realmId, { asOf, sourceAsOf: null }))).toEqual(comparable(expected))
    }
  })
})

async function clockOf({ knex }: OpenHttp): Promise<string> {
  const { rows } = await knex.raw<{ rows: { at: string }[] }>(
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
  )
  return rows[0]!.at
}

describe('what is kept', () => {
  test('holds while nothing changes, and no longer', async () => {
    await insertSyncedCompany(http.knex, '81')
    await insertBill(http.knex, '81', '1')
    await one('81')
    // Somebody's mistake in the kept sums shows, since nothing else has changed.
    await http.knex.raw(
      `UPDATE portfolio_sums SET sums = jsonb_set(sums, '{payables,0,open}', '"1.00"') WHERE realm_id = '81'`,
    )
    expect((await one('81')).payables![0]!.open).toBe('1.00')
    const asOf = await clockOf(http)
    await insertVendor(http.knex, '81', '56', 'New Name')
    const { payables } = await one('81')
    expect(payables![0]!.open).toBe('100.50')
    expect(payables![0]!.largestOverdue).toEqual([
      { counterpartyId: '56', name: 'New Name', amount: '100.50', oldestDueDate: '2026-03-01' },
    ])
    // At a moment of the past, the name is that of the moment too.
    const then = await one('81', { asOf, sourceAsOf: null })
    expect(then.payables![0]!.largestOverdue[0]!.name).toBe('Old Name')
  })

  test('ends with the company’s day, which a time zone moves', async () => {
    await insertSyncedCompany(http.knex, '82')
    await insertBill(http.knex, '82', '1', { due_date: '2026-03-10' })
    expect((await one('82')).payables![0]).toMatchObject({ overdue: '0', dueWithin7Days: '100.50' })
    await http.knex('companies').where({ realm_id: '82' }).update({ time_zone: 'Pacific/Kiritimati' })
    expect((await one('82')).payables![0]).toMatchObject({ overdue: '100.50', dueWithin7Days: '0' })
  })

  test('goes with a company that is purged', async () => {
    await insertSyncedCompany(http.knex, '83')
    await one('83')
    await http.knex('companies').where({ realm_id: '83' }).update({ status: 'disconnected' })
    await http.knex.raw(`SELECT purge_company('83', 'the client has left the firm')`)
    expect(await http.knex('portfolio_sums').where({ realm_id: '83' })).toEqual([])
    expect((await read({ realmId: '83' })).data).toEqual([])
  })
})

describe('ages', () => {
  test('begin and end on their days', async () => {
    await insertSyncedCompany(http.knex, '84', { time_zone: 'UTC' })
    const due = {
      '2026-03-10': 1,
      '2026-03-09': 2,
      '2026-02-08': 4,
      '2026-02-07': 8,
      '2026-01-09': 16,
      '2026-01-08': 32,
      '2025-12-10': 64,
      '2025-12-09': 128,
      '2026-03-17': 256,
      '2026-03-18': 512,
      '2026-03-24': 1024,
      '2026-03-25': 2048,
    }
    for (const [due_date, amount] of Object.entries(due)) {
      await insertInvoice(http.knex, '84', String(amount), {
        due_date,
        balance: amount,
        total_amount: amount,
      })
    }
    await insertInvoice(http.knex, '84', '9', { due_date: null, balance: '4096', total_amount: '4096' })
    const { receivables } = await one('84')
    expect(receivables).toHaveLength(1)
    expect(receivables![0]).toMatchObject({
      open: '8191',
      overdue: '254',
      ages: {
        current: String(1 + 256 + 512 + 1024 + 2048 + 4096),
        days1To30: String(2 + 4),
        days31To60: String(8 + 16),
        days61To90: String(32 + 64),
        over90: '128',
      },
      dueWithin7Days: String(1 + 256),
      dueWithin14Days: String(1 + 256 + 512 + 1024),
      count: 13,
      overdueCount: 7,
      accountBalance: null,
    })
  })
})

describe('a company', () => {
  test('never read has nothing, not zero', async () => {
    await insertCompany(http.knex, '85')
    const shown = await one('85')
    expect(shown).toMatchObject({ cash: null, receivables: null, payables: null, changedLast24Hours: null })
    expect(shown.flags).toContain('never_synced')
    expect(shown.mirror.lastSyncedAt).toBeNull()
  })

  test('of which one list was never read has nothing either', async () => {
    await insertSyncedCompany(http.knex, '86')
    await http.knex('sync_states').where({ realm_id: '86', entity: 'bill' }).delete()
    await insertBalance(http.knex, '86', '35')
    expect((await one('86')).cash).toBeNull()
  })

  test('shows what its accounts hold, with what is owed positive', async () => {
    await insertSyncedCompany(http.knex, '87')
    await insertBalance(http.knex, '87', '1', { current_balance: '10.10' })
    await insertBalance(http.knex, '87', '2', { current_balance: '20.20', currency: 'EUR' })
    await insertBalance(http.knex, '87', '3', { current_balance: '-30.30', account_type: 'Accounts Payable' })
    await insertBalance(http.knex, '87', '4', {
      current_balance: '40.40',
      account_type: 'Accounts Receivable',
    })
    await insertBalance(http.knex, '87', '5', { current_balance: '99', account_type: 'Income' })
    const { cash, receivables, payables } = await one('87')
    expect(cash).toEqual([
      { currency: 'EUR', amount: '20.20' },
      { currency: 'USD', amount: '10.10' },
    ])
    expect(payables).toMatchObject([{ currency: 'USD', open: '0', accountBalance: '30.30' }])
    expect(receivables).toMatchObject([{ currency: 'USD', open: '0', accountBalance: '40.40' }])
  })

  test.each([
    [{ status: 'needs_reauth', status_code: 'needs_reauth' }, ['needs_reconnect', 'needs_action'], 'action'],
    [{ status: 'paused' }, ['paused'], 'off'],
    [{ status: 'disconnected' }, ['disconnected'], 'off'],
    [{ failing_code: 'unavailable' }, ['failing'], 'fine'],
  ])('in the state %j is flagged %j', async (row, flags, group) => {
    const realmId = `88${Object.values(row).join('').length}`
    await insertSyncedCompany(http.knex, realmId, row, recently())
    expect(await one(realmId)).toMatchObject({ flags, group })
  })

  test('late or with rejects is flagged', async () => {
    await insertSyncedCompany(http.knex, '890', {}, { ...recently(), bill: secondsBefore(1201) })
    await insertSyncedCompany(http.knex, '891', {}, recently())
    await insertReject(http.knex, '891')
    expect(await one('890')).toMatchObject({ flags: ['late'], group: 'late' })
    expect((await one('891')).flags).toEqual(['needs_action', 'rejects'])
  })
})

function recently() {
  const at = secondsBefore(60)
  return { vendor: at, customer: at, balance: at, bill: at, invoice: at }
}

describe('the whole', () => {
  test('counts the groups over what the other filters let through', async () => {
    const { counts, data } = await read({ group: 'action' })
    expect(data.every(({ group }) => group === 'action')).toBe(true)
    expect(counts.action).toBe(data.length)
    expect(counts.all).toBe((await read()).data.length)
    expect((await read({ flag: 'paused' })).counts).toMatchObject({ all: 1, off: 1, action: 0 })
  })

  test('has totals of what is shown, by currency', async () => {
    const { totals } = await read({ realmId: '87' })
    expect(totals).toEqual([
      { currency: 'EUR', cash: '20.20', receivables: '0', payables: '0' },
      { currency: 'USD', cash: '10.10', receivables: '0', payables: '0' },
    ])
  })

  test.each(PORTFOLIO_SORTS)('sorted by %s has every company once, the unread last', async (by) => {
    const up = (await read({}, { by })).data.map(({ realmId }) => realmId)
    const down = (await read({}, { by, descending: true })).data.map(({ realmId }) => realmId)
    expect([...up].sort()).toEqual([...down].sort())
    expect(new Set(up).size).toBe(up.length)
    if (['cash', 'receivables', 'payables', 'overdue', 'changed'].includes(by)) {
      expect(up.slice(-2).sort()).toEqual(['85', '86'])
      expect(down.slice(-2).sort()).toEqual(['85', '86'])
    }
  })

  test('begins with who needs a person', async () => {
    const { data } = await read({}, { by: 'worst' })
    const groups = data.map(({ group }) => ['action', 'late', 'first', 'fine', 'off'].indexOf(group))
    expect(groups).toEqual([...groups].sort((one, other) => one - other))
  })

  test('is searched by a part of a name or by realm id, and narrowed by tag', async () => {
    await http
      .knex('companies')
      .where({ realm_id: '87' })
      .update({ name: 'Ödegaard & Co', tags: ['retail'] })
    expect((await read({ search: 'ödeg' })).data.map(({ realmId }) => realmId)).toEqual(['87'])
    expect((await read({ search: '87' })).data.map(({ realmId }) => realmId)).toEqual(['87'])
    expect((await read({ tag: 'retail' })).data.map(({ realmId }) => realmId)).toEqual(['87'])
    expect((await read({ search: '%' })).data).toEqual([])
  })
})
