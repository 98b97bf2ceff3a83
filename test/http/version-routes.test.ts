import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { BILL, INVOICE, PAYLOADS, versionOf, type Payload } from '../books/versions/payloads.ts'
import { applyDiff, comparable } from '../books/versions/apply-diff.ts'
import { ENTITIES, type Entity } from '../../src/domain/entity.ts'
import { MIRRORED_TABLES } from '../../src/models/mirrored-tables.ts'
import { eachOf, fieldsOf } from './answers.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import { insertSyncedCompany, secondsBefore } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
  await insertSyncedCompany(http.knex, '1', { home_currency: 'USD', time_zone: 'America/Denver' })
  await write('bill', { ...BILL, TotalAmt: 1000, Balance: 1000 })
  await write('bill', {
    ...BILL,
    SyncToken: '2',
    TotalAmt: 1000,
    Balance: 600,
    LinkedTxn: [{ TxnId: '146', TxnType: 'BillPaymentCheck' }],
  })
  await write('bill', { ...BILL, SyncToken: '3', TotalAmt: 1000, Balance: 1000, PrivateNote: 'other' })
  await http.knex('bills').update({ deleted_at: secondsBefore(5) })
  for (const entity of ENTITIES) if (entity !== 'bill') await write(entity, PAYLOADS[entity])
})

afterAll(() => http.close())

/** As a run would write it: what is there becomes history. */
async function write(entity: Entity, payload: Payload): Promise<void> {
  const { content, raw, syncToken, sourceCreatedAt, sourceUpdatedAt } = versionOf(entity, payload)
  const { table, content: columns } = MIRRORED_TABLES[entity]
  const values = content as unknown as Record<string, unknown>
  await http
    .knex(table)
    .insert({
      realm_id: '1',
      qbo_id: payload['Id'],
      ...Object.fromEntries(Object.entries<string>(columns).map(([name, column]) => [column, values[name]])),
      raw: JSON.stringify(raw),
      sync_token: syncToken,
      source_created_at: sourceCreatedAt,
      source_updated_at: sourceUpdatedAt,
      source_valid_from: sourceUpdatedAt,
      observed_at: sourceUpdatedAt,
      last_synced_at: sourceUpdatedAt,
      content_hash: 'hash',
      mapping_version: 1,
      sync_run_id: 7,
    })
    .onConflict(['realm_id', 'qbo_id'])
    .merge()
}

// What is read of an answer is compared, not trusted.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Version = Record<string, any>

const VERSIONS = '/api/companies/1/bills/145/versions'

async function versions(path = VERSIONS) {
  const { body } = await http.send('get', path).expect(200)
  return body as { data: Version[]; nextCursor: string | null; mirror: object }
}

describe('the versions of a record', () => {
  test('come oldest first, each with what changed, in words and difference by difference', async () => {
    const { data, nextCursor, mirror } = await versions()
    expect(mirror).toMatchObject({ status: 'active', rejects: 0, settled: true })
    expect(nextCursor).toBeNull()
    expect(data.map(({ change, summary }) => [change, summary])).toEqual([
      ['firstSeen', 'First seen; entered in QuickBooks on 20 November 2026'],
      ['partlyPaid', 'Paid 400.00 of 1,000.00'],
      ['unpaid', 'Payment 146 taken back; 1,000.00 open again; memo changed from “as agreed” to “other”'],
      ['deleted', 'Deleted in QuickBooks'],
    ])
    expect(data[1]).toEqual({
      validFrom: data[0]!.validTo,
      validTo: data[2]!.validFrom,
      sourceValidFrom: '2026-11-22T15:12:40.000Z',
      sourceUpdatedAt: '2026-11-22T15:12:40.000Z',
      syncRunId: 7,
      syncToken: '2',
      change: 'partlyPaid',
      summary: 'Paid 400.00 of 1,000.00',
      diff: [
        { path: 'balance', before: '1000', after: '600' },
        { path: 'details.LinkedTxn', before: null, after: [{ TxnId: '146', TxnType: 'BillPaymentCheck' }] },
      ],
      record: {
        realmId: '1',
        qboId: '145',
        syncToken: '2',
        docNumber: 'INV-7731',
        vendor: { id: '31', name: 'Northwind Paper' },
        txnDate: '2026-11-18',
        dueDate: '2026-12-18',
        currency: 'USD',
        exchangeRate: null,
        totalAmount: '1000',
        balance: '600',
        homeBalance: null,
        status: 'open',
        lines: [expect.objectContaining({ id: '1', amount: '800' }), expect.objectContaining({ id: '2' })],
        details: {
          SalesTermRef: { value: '3', name: 'Net 30' },
          APAccountRef: { value: '33', name: 'Accounts Payable (A/P)' },
          LinkedTxn: [{ TxnId: '146', TxnType: 'BillPaymentCheck' }],
          PrivateNote: 'as agreed',
        },
        sourceUpdatedAt: '2026-11-22T15:12:40.000Z',
        lastSyncedAt: '2026-11-22T15:12:40.000Z',
        validFrom: data[0]!.validTo,
        deletedAt: null,
      },
    })
    expect(data[3]).toMatchObject({ validTo: null, record: { status: 'deleted' } })
  })

  test('follow from each other by their diffs', async () => {
    const { data } = await versions()
    const content = (version: Version) => {
      const {
        syncToken: _,
        sourceUpdatedAt: _at,
        lastSyncedAt: _synced,
        validFrom: _from,
        ...rest
      } = version.record as Version
      return comparable(rest)
    }
    for (const [at, version] of data.slice(1).entries()) {
      expect(comparable(applyDiff(content(data[at]!), version.diff))).toEqual(content(version))
    }
  })

  test('come in pages that miss and double nothing', async () => {
    const whole = await versions()
    const seen: unknown[] = []
    let path: string | null = `${VERSIONS}?limit=1`
    while (path !== null) {
      const { data, nextCursor }: Awaited<ReturnType<typeof versions>> = await versions(path)
      expect(data).toHaveLength(1)
      seen.push(...data)
      path = nextCursor && `${VERSIONS}?limit=1&cursor=${nextCursor}`
    }
    expect(seen).toEqual(whole.data)
  })

  test.each(ENTITIES)('are there for every %s', async (entity) => {
    const { table } = MIRRORED_TABLES[entity]
    const answer = await http.send(
      'get',
      `/api/companies/1/${table}/${String(PAYLOADS[entity]['Id'])}/versions`,
    )
    expect(eachOf(answer, 'change')[0]).toBe('firstSeen')
  })

  test('are read by indexes alone', async () => {
    http.statements.length = 0
    await versions()
    const reads = http.statements.filter(({ sql }) => sql.includes('bills'))
    expect(reads).toHaveLength(2)
    for (const statement of reads) {
      const plan = await http.explain(statement)
      expect(plan).toMatch(/bills_history_(period|held)/)
      expect(plan).not.toMatch(/Seq Scan on bills_history/)
    }
  })

  test('of an unknown company or record are not found', async () => {
    const unknown = await http.send('get', '/api/companies/9/bills/145/versions').expect(404)
    expect(unknown.body).toMatchObject({ code: 'not_found' })
    const missing = await http.send('get', '/api/companies/1/bills/9/versions').expect(404)
    expect(missing.body).toMatchObject({ detail: 'company 1 has no bill 9' })
  })

  test('refuse parameters that they do not know and cursors of another record', async () => {
    const { nextCursor } = await versions(`${VERSIONS}?limit=1`)
    const other = await http.send('get', `/api/companies/1/invoices/310/versions?cursor=${nextCursor}`)
    expect([other.status, fieldsOf(other)]).toEqual([400, ['cursor']])
    const odd = await http.send('get', `${VERSIONS}?limit=0&asof=x`).expect(400)
    expect(fieldsOf(odd).sort()).toEqual(['asof', 'limit'])
  })
})

describe('comparing two versions', () => {
  test('tells what differs between any two, whichever is older', async () => {
    const [first, , third] = (await versions()).data
    const between = (from: string, to: string) =>
      http.send('get', `${VERSIONS}/compare?from=${from}&to=${to}`)
    const { body } = await between(first!.validFrom, third!.validFrom)
    expect(body).toEqual({
      mirror: expect.objectContaining({ status: 'active', asOf: null }),
      from: first!.validFrom,
      to: third!.validFrom,
      change: 'edited',
      summary: 'Memo changed from “as agreed” to “other”',
      diff: [{ path: 'details.PrivateNote', before: 'as agreed', after: 'other' }],
    })
    const back = await between(third!.validFrom, first!.validFrom)
    expect(back.body).toMatchObject({
      diff: [{ path: 'details.PrivateNote', before: 'other', after: 'as agreed' }],
    })
    const ends = await http.send('get', `${VERSIONS}/compare`)
    expect(ends.body).toMatchObject({ from: first!.validFrom, change: 'deleted' })
    const same = await between(first!.validFrom, first!.validFrom)
    expect(same.body).toMatchObject({ summary: 'Nothing differs', diff: [] })
  })

  test('of a version that there is not says so', async () => {
    const [first] = (await versions()).data
    const missing = await http.send(
      'get',
      `${VERSIONS}/compare?from=${first!.validFrom}&to=2026-01-01T00:00:00Z`,
    )
    expect([missing.status, missing.body.code]).toEqual([404, 'not_found'])
    const wrong = await http.send('get', `${VERSIONS}/compare?from=yesterday`).expect(400)
    expect(fieldsOf(wrong)).toEqual(['from'])
  })
})

test('an invoice is shown with its customer and its lines', async () => {
  const { data } = await versions('/api/companies/1/invoices/310/versions')
  expect(data[0]!.record).toMatchObject({
    customer: { id: '12', name: 'Acme Robotics' },
    emailStatus: INVOICE['EmailStatus'],
    details: { BillEmail: { Address: 'ap@example.test' } },
  })
})
