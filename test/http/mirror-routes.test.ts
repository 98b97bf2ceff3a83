import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eachOf, fieldsOf } from './answers.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import {
  insertBalance,
  insertBill,
  insertCustomer,
  insertInvoice,
  insertSyncedCompany,
  insertVendor,
  secondsBefore,
} from './rows.ts'

let http: OpenHttp
const iso = (seconds: number) => secondsBefore(seconds).toISOString()

const BILL_RAW = `{"Id":"1","Line":[
  {"Id":"1","LineNum":1,"Amount":100.50,"DetailType":"AccountBasedExpenseLineDetail",
   "AccountBasedExpenseLineDetail":{"AccountRef":{"value":"7","name":"Job Materials"},"TaxAmount":12345678901234567.89},
   "LinkedTxn":[{"TxnId":"4","TxnType":"BillPaymentCheck"}],"APAccountRef":null,"__proto__":{"x":true}}
]}`

beforeAll(async () => {
  http = await openHttp()
  const { knex } = http
  await insertSyncedCompany(knex, '1', { time_zone: 'America/Denver' }, { bill: secondsBefore(120) })
  await insertVendor(knex, '1', '56', 'Present Name')
  await insertVendor(knex, '2', '56', 'Another Company’s Vendor')
  await insertBill(knex, '1', '1', { raw: BILL_RAW, exchange_rate: '1.25', home_balance: '125.625' })
  await insertBill(knex, '1', '2', { balance: '0', vendor_id: '99', vendor_name: 'Only Named Here' })
  await insertBill(knex, '1', '3', { due_date: '2026-03-20', balance: '0.000001' })
  await insertBill(knex, '1', '10', { due_date: null, vendor_id: null, vendor_name: null })
  await insertBill(knex, '1', '4', { deleted_at: secondsBefore(50), last_synced_at: secondsBefore(50) })
  await insertCustomer(knex, '1', '7', 'Present Customer')
  await insertInvoice(knex, '1', '1', { email_status: 'EmailSent', home_total_amount: '75' })
  await insertInvoice(knex, '1', '2', { due_date: '2026-04-01' })
  await insertInvoice(knex, '1', '3', { balance: '0.00' })
  await insertInvoice(knex, '1', '4', { balance: '0', total_amount: '0', voided: true })
  await insertBalance(knex, '1', '35', {
    fully_qualified_name: 'Bank:Checking',
    account_sub_type: 'Checking',
    classification: 'Asset',
    current_balance_with_sub_accounts: '1301.00',
  })
  await insertBalance(knex, '1', '36', { current_balance: null, active: false, parent_id: '35' })
  await insertBalance(knex, '1', '37', { deleted_at: secondsBefore(9) })
})

afterAll(() => http.close())

async function ids(path: string): Promise<unknown[]> {
  return eachOf(await http.send('get', `/api/companies/1/${path}`).expect(200), 'qboId')
}

describe('a bill', () => {
  test('is shown whole, with decimal text, its vendor’s present name and how fresh it is', async () => {
    const [validFrom] = await http
      .knex('bills')
      .where({ realm_id: '1', qbo_id: '1' })
      .pluck<Date[]>('valid_from')
    const { body } = await http.send('get', '/api/companies/1/bills/1').expect(200)
    expect(body).toEqual({
      realmId: '1',
      qboId: '1',
      syncToken: '0',
      docNumber: 'D-1',
      vendor: { id: '56', name: 'Present Name' },
      txnDate: '2026-02-01',
      dueDate: '2026-03-01',
      currency: 'USD',
      exchangeRate: '1.25',
      totalAmount: '100.50',
      balance: '100.50',
      homeBalance: '125.625',
      status: 'overdue',
      lines: [
        {
          id: '1',
          lineNum: '1',
          amount: '100.5',
          detailType: 'AccountBasedExpenseLineDetail',
          accountBasedExpenseLineDetail: {
            accountRef: { value: '7', name: 'Job Materials' },
            taxAmount: '12345678901234567.89',
          },
          linkedTxn: [{ txnId: '4', txnType: 'BillPaymentCheck' }],
          apAccountRef: null,
          ['__proto__']: { x: true },
        },
      ],
      sourceUpdatedAt: iso(80_000),
      lastSyncedAt: iso(120),
      rejectedSince: null,
      validFrom: expect.any(String),
      deletedAt: null,
      quickBooksUrl: null,
      mirror: {
        status: 'active',
        statusReason: null,
        whatToDo: null,
        lastSyncedAt: iso(120),
        lagSeconds: 120,
        late: false,
        rejects: 0,
        asOf: null,
        sourceAsOf: null,
        settled: true,
      },
    })
    expect(new Date(body.validFrom)).toEqual(validFrom)
  })

  test('keeps the name it carried where the mirror lacks the vendor, and may have none', async () => {
    const named = await http.send('get', '/api/companies/1/bills/2').expect(200)
    expect(named.body).toMatchObject({ vendor: { id: '99', name: 'Only Named Here' }, lines: [] })
    const bare = await http.send('get', '/api/companies/1/bills/10').expect(200)
    expect(bare.body).toMatchObject({ vendor: null, dueDate: null, status: 'open' })
  })

  test('that was deleted is shown to who asks for it, and is as fresh as its own reading when that is later', async () => {
    const { body } = await http.send('get', '/api/companies/1/bills/4').expect(200)
    expect(body).toMatchObject({ status: 'deleted', deletedAt: iso(50), lastSyncedAt: iso(50) })
  })

  test('of another company or of no company is not found', async () => {
    await insertSyncedCompany(http.knex, '2')
    expect((await http.send('get', '/api/companies/2/bills/1').expect(404)).body.detail).toBe(
      'company 2 has no bill 1',
    )
    expect((await http.send('get', '/api/companies/3/bills/1').expect(404)).body.detail).toBe(
      'no company 3 is registered',
    )
  })
})

describe('an invoice', () => {
  test('is shown like a bill, with its customer', async () => {
    const { body } = await http.send('get', '/api/companies/1/invoices/1').expect(200)
    expect(body).toMatchObject({
      docNumber: 'I-1',
      customer: { id: '7', name: 'Present Customer' },
      totalAmount: '75',
      homeTotalAmount: '75',
      homeBalance: null,
      emailStatus: 'EmailSent',
      status: 'overdue',
      lastSyncedAt: iso(70_000),
    })
    expect(body).not.toHaveProperty('vendor')
  })
})

describe('a balance', () => {
  test('is an account with what stands on it', async () => {
    const { body } = await http.send('get', '/api/companies/1/balances/35').expect(200)
    expect(body).toMatchObject({
      qboId: '35',
      accountName: 'Checking',
      fullyQualifiedName: 'Bank:Checking',
      accountType: 'Bank',
      accountSubType: 'Checking',
      classification: 'Asset',
      currency: 'USD',
      currentBalance: '1201.00',
      currentBalanceWithSubAccounts: '1301.00',
      parentId: null,
      active: true,
      deletedAt: null,
    })
    expect(body).not.toHaveProperty('status')
    expect(body).not.toHaveProperty('lines')
  })

  test('lists leave deleted ones out unless asked for them', async () => {
    expect(await ids('balances')).toEqual(['35', '36'])
    expect(await ids('balances?includeDeleted=true')).toEqual(['35', '36', '37'])
  })
})

describe('the lists of documents', () => {
  test.each([
    ['bills', ['1', '10', '2', '3']],
    ['bills?includeDeleted=true', ['1', '10', '2', '3', '4']],
    ['bills?includeDeleted=false', ['1', '10', '2', '3']],
    ['bills?status=open', ['1', '10', '3']],
    ['bills?status=open&includeDeleted=true', ['1', '10', '3']],
    ['bills?status=paid', ['2']],
    ['bills?status=overdue', ['1']],
    ['bills?dueBefore=2026-03-20', ['1', '2']],
    ['bills?dueBefore=2026-03-21', ['1', '2', '3']],
    ['bills?dueAfter=2026-03-01', ['3']],
    ['bills?dueAfter=2026-02-28&dueBefore=2026-03-02', ['1', '2']],
    ['bills?counterpartyId=56', ['1', '3']],
    ['bills?counterpartyId=99&status=paid', ['2']],
    ['bills?counterparty=%27%20OR%20true--', []],
    ['invoices', ['1', '2', '3', '4']],
    ['invoices?status=open', ['1', '2']],
    ['invoices?status=paid', ['3']],
    ['invoices?status=overdue', ['1']],
    ['invoices?status=voided', ['4']],
    ['invoices?counterpartyId=7&dueAfter=2026-03-01', ['2']],
  ])('%s gives %j', async (path, expected) => {
    expect(await ids(path)).toEqual(expected)
  })

  test('a document says the status by which it is found', async () => {
    for (const [path, told] of [
      ['bills?status=paid', ['paid']],
      ['bills?status=overdue', ['overdue']],
      ['bills?status=open', ['overdue', 'open', 'open']],
      ['invoices?status=voided', ['voided']],
      ['invoices?status=paid', ['paid']],
    ] as const) {
      const { body } = await http.send('get', `/api/companies/1/${path}`)
      expect(eachOf({ body }, 'status')).toEqual(told)
    }
  })

  test('overdue follows the company’s own date', async () => {
    const { knex } = http
    // At noon UTC of March 10 it is two in the morning of the 11th on Kiritimati.
    for (const [realmId, timeZone, overdue] of [
      ['31', 'Pacific/Kiritimati', ['1', '2']],
      ['32', 'America/Los_Angeles', ['1']],
      ['33', null, ['1']],
      ['34', 'Mars/Olympus', ['1']],
    ] as const) {
      await insertSyncedCompany(knex, realmId, { time_zone: timeZone })
      await insertBill(knex, realmId, '1', { due_date: '2026-03-09' })
      await insertBill(knex, realmId, '2', { due_date: '2026-03-10' })
      const { body } = await http.send('get', `/api/companies/${realmId}/bills?status=overdue`).expect(200)
      expect(eachOf({ body }, 'qboId')).toEqual(overdue)
    }
  })

  test('pages of a filtered list miss no row and repeat none while rows change', async () => {
    const { knex } = http
    await insertSyncedCompany(knex, '40')
    for (let id = 100; id < 120; id += 1) await insertBill(knex, '40', String(id))
    const seen: unknown[] = []
    let cursor: string | null = null
    do {
      const path: string = `/api/companies/40/bills?status=open&limit=4${cursor === null ? '' : `&cursor=${cursor}`}`
      const { body } = await http.send('get', path).expect(200)
      seen.push(...eachOf({ body }, 'qboId'))
      cursor = body.nextCursor
      // The row that the cursor names is paid, one behind it is deleted, one before it comes up.
      await knex('bills')
        .where({ realm_id: '40', qbo_id: String(seen.at(-1)) })
        .update({ balance: '0' })
      await knex('bills')
        .where({ realm_id: '40', qbo_id: '118' })
        .update({ deleted_at: secondsBefore(0) })
      await insertBill(knex, '40', `0${seen.length}`)
    } while (cursor !== null)
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => String(100 + index)))
  })

  test('the next page begins behind the last row of the one before', async () => {
    const { body } = await http.send('get', '/api/companies/1/bills?limit=2').expect(200)
    expect(eachOf({ body }, 'qboId')).toEqual(['1', '10'])
    const { nextCursor } = body as { nextCursor: string }
    expect(await ids(`bills?limit=2&cursor=${nextCursor}`)).toEqual(['2', '3'])
  })

  test('a page that is just full is the last one when nothing follows', async () => {
    const { body } = await http.send('get', '/api/companies/1/bills?limit=4').expect(200)
    expect(body.data).toHaveLength(4)
    expect(body.nextCursor).toBeNull()
  })

  test.each([
    ['bills?status=voided', 'status'],
    ['bills?status=open&status=paid', 'status'],
    ['bills?status=__proto__', 'status'],
    ['bills?dueBefore=2026-02-30', 'dueBefore'],
    ['bills?dueBefore=0000-01-01', 'dueBefore'],
    ['bills?dueAfter=03/01/2026', 'dueAfter'],
    ['bills?counterparty=', 'counterparty'],
    ['bills?counterparty=%00', 'counterparty'],
    ['bills?includeDeleted=1', 'includeDeleted'],
    ['bills?asOf=2026-01-01', 'asOf'],
    ['bills?sourceAsOf=yesterday', 'sourceAsOf'],
    ['bills?sort=vendor', 'sort'],
    ['balances?sort=dueDate', 'sort'],
    ['bills?expand=versions', 'expand'],
    ['balances?expand=lines', 'expand'],
    ['bills?minBalance=1e3', 'minBalance'],
    ['bills?counterpartyId=x', 'counterpartyId'],
    ['bills?changedSince=2026-01-01', 'changedSince'],
    ['bills?maxAgeSeconds=1.5', 'maxAgeSeconds'],
    ['vendors?dueFrom=2026-01-01', 'dueFrom'],
    ['invoices?vendor=56', 'vendor'],
    ['balances?status=open', 'status'],
    ['balances?dueBefore=2026-01-01', 'dueBefore'],
    ['bills/1?includeDeleted=true', 'includeDeleted'],
    ['bills/x1', 'qboId'],
    ['bills/%00', 'qboId'],
  ])('%s is refused and names %s', async (path, field) => {
    const { body } = await http.send('get', `/api/companies/1/${path}`).expect(400)
    expect(fieldsOf({ body })).toEqual([field])
  })

  test('every wrong parameter is named at once', async () => {
    const { body } = await http.send('get', '/api/companies/1/bills?limit=x&status=y&z=1&a[]=2').expect(400)
    expect(fieldsOf({ body })).toEqual(['limit', 'status', 'z', 'a[]'])
  })
})

describe('a cursor', () => {
  test('that was changed anywhere, or belongs to another list, is refused', async () => {
    const { body } = await http.send('get', '/api/companies/1/bills?limit=1').expect(200)
    const cursor: string = body.nextCursor
    const changed = [...cursor].map((letter, index) => {
      const other = letter === 'A' ? 'B' : 'A'
      return cursor.slice(0, index) + other + cursor.slice(index + 1)
    })
    for (const wrong of [...changed, '', `${cursor}A`, cursor.slice(1), `${cursor}=`]) {
      const answer = await http.send('get', `/api/companies/1/bills?limit=1&cursor=${wrong}`).expect(400)
      expect(answer.body.errors).toEqual([{ field: 'cursor', message: 'is not a cursor of this list' }])
    }
    await http.send('get', `/api/companies/1/invoices?cursor=${cursor}`).expect(400)
    await http.send('get', `/admin/companies?cursor=${cursor}`).expect(400)
  })
})

describe('the statements behind the lists', () => {
  test('use the index on open documents, and the key elsewhere', async () => {
    const { knex } = http
    await knex.raw(`
      INSERT INTO bills (realm_id, qbo_id, txn_date, due_date, total_amount, balance, source_updated_at,
                         source_valid_from, observed_at, last_synced_at, content_hash, mapping_version, sync_run_id, raw)
      SELECT r.realm_id, i::text, '2026-01-01', date '2024-01-01' + i % 800, 10, CASE WHEN i % 100 = 0 THEN 10 ELSE 0 END,
             now(), now(), now(), now(), 'h', 1, 1, '{}'
        FROM generate_series(1000, 9000) i, unnest(ARRAY['51', '52', '53']) AS r (realm_id)`)
    await knex.raw('ANALYZE bills')
    await insertSyncedCompany(knex, '51')
    for (const [query, index] of [
      ['status=overdue', /using bills_open(_by_due_date)? /],
      ['status=open&dueBefore=2024-02-01', /using bills_open(_by_due_date)? /],
      ['status=paid', /using bills_(pkey|by_balance) /],
      ['includeDeleted=true', /using bills_pkey /],
    ] as const) {
      http.statements.length = 0
      await http.send('get', `/api/companies/51/bills?${query}`).expect(200)
      const list = http.statements.find(({ sql }) => sql.includes('FROM bills d'))!
      const plan = await http.explain(list)
      expect(plan).toMatch(index)
      expect(plan).not.toContain('Seq Scan on bills')
    }
  })
})
