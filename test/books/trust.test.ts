import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { readCompanies } from '../../src/books/read-companies.ts'
import { readRecord } from '../../src/books/read-record.ts'
import type { BooksOptions } from '../../src/books/standing.ts'
import { ENTITIES } from '../../src/domain/entity.ts'
import { company, OTHER_REALM, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { listOf, optionsOf, postgresNow, PRESENT, readPage } from './questions.ts'

let mirror: TestMirror
let options: BooksOptions

beforeAll(async () => {
  mirror = await startMirror({
    companies: [company({ records: 30 }), company({ realmId: OTHER_REALM, name: 'Other', records: 12 })],
  })
  options = optionsOf(mirror)
})

afterAll(() => mirror.close())

describe('a company that was never synced', () => {
  test('has nothing to show and says so, instead of an empty list', async () => {
    for (const entity of ENTITIES) {
      await expect(readPage(options, listOf(entity, { realmId: OTHER_REALM }))).rejects.toMatchObject({
        code: 'never_synced',
      })
      const question = { realmId: OTHER_REALM, entity, qboId: '1', moment: PRESENT }
      await expect(readRecord(options, question)).rejects.toMatchObject({ code: 'never_synced' })
    }
    const [, other] = await readCompanies(options, { after: null, limit: 10 })
    expect(other).toMatchObject({ realmId: OTHER_REALM, neverSynced: true, lastSyncedAt: null })
  })

  test('is told from one of which an entity alone was never read', async () => {
    await mirror.sync(OTHER_REALM)
    await mirror.rows(
      `UPDATE sync_states SET last_synced_at = NULL WHERE realm_id = '${OTHER_REALM}' AND entity = 'bill'`,
    )
    await readPage(options, listOf('invoice', { realmId: OTHER_REALM }))
    await expect(readPage(options, listOf('bill', { realmId: OTHER_REALM }))).rejects.toMatchObject({
      code: 'never_synced',
      message: expect.stringContaining('no bills of '),
    })
    const [, other] = await readCompanies(options, { after: null, limit: 10 })
    expect(other).toMatchObject({ neverSynced: false, lastSyncedAt: null })
  })

  test('was one at every moment before its first sync ended', async () => {
    const before = await postgresNow(mirror)
    await mirror.sync()
    const after = await postgresNow(mirror)
    const list = (asOf: string) => readPage(options, listOf('bill', { moment: { asOf, sourceAsOf: null } }))
    await expect(list(before)).rejects.toMatchObject({ code: 'never_synced' })
    expect((await list(after)).data.length).toBeGreaterThan(0)
    const [first] = await mirror.rows<{ since: Date }>(
      `SELECT complete_since AS since FROM sync_states WHERE realm_id = '${REALM}' AND entity = 'bill'`,
    )
    await mirror.sync()
    const [still] = await mirror.rows<{ since: Date }>(
      `SELECT complete_since AS since FROM sync_states WHERE realm_id = '${REALM}' AND entity = 'bill'`,
    )
    expect(still).toEqual(first)
  })

  test('still shows of such a moment a record that it held', async () => {
    const [row] = await mirror.rows<{ qboId: string; at: string }>(
      `SELECT qbo_id AS "qboId", to_char(valid_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
         FROM bills WHERE realm_id = '${REALM}' ORDER BY valid_from LIMIT 1`,
    )
    const at = { asOf: row!.at, sourceAsOf: null }
    const question = { realmId: REALM, entity: 'bill', moment: at } as const
    expect(await readRecord(options, { ...question, qboId: row!.qboId })).toMatchObject({ qboId: row!.qboId })
    await expect(readRecord(options, { ...question, qboId: '999999' })).rejects.toMatchObject({
      code: 'never_synced',
    })
  })
})

describe('a record of which a newer version was rejected', () => {
  let qboId: string
  let readAt: string
  let rejectedAt: string
  let beforeReject: string

  beforeAll(async () => {
    const books = mirror.sandbox.books(REALM)
    qboId = books.createBill({ vendorId: '1', amount: '70.00' }).Id
    await mirror.sync()
    readAt = mirror.clock.now().toISOString()
    beforeReject = await postgresNow(mirror)
    mirror.clock.move({ minutes: 5 })
    books.put('Bill', { ...books.touch('Bill', qboId), TotalAmt: 'many' })
    await mirror.sync()
    rejectedAt = mirror.clock.now().toISOString()
  })

  const shown = async () =>
    JSON.parse(
      JSON.stringify(await readRecord(options, { realmId: REALM, entity: 'bill', qboId, moment: PRESENT })),
    ) as Record<string, unknown>

  test('says since when, and is as fresh as the content it shows', async () => {
    expect(await shown()).toMatchObject({
      totalAmount: '70',
      rejectedSince: rejectedAt,
      lastSyncedAt: readAt,
    })
    const { data } = await readPage(options, listOf('bill'))
    expect(data.find((row) => row.qboId === qboId)).toMatchObject({
      rejectedSince: rejectedAt,
      lastSyncedAt: readAt,
    })
    expect(data.find((row) => row.qboId !== qboId)).toMatchObject({
      rejectedSince: null,
      lastSyncedAt: rejectedAt,
    })
  })

  test('says the same to who reads with SQL', async () => {
    const rows = await mirror.rows<{ id: string; since: Date | null; synced: Date }>(
      `SELECT qbo_id AS id, rejected_since AS since, last_synced_at AS synced FROM bills_current WHERE realm_id = '${REALM}'`,
    )
    expect(rows.find(({ id }) => id === qboId)).toEqual({
      id: qboId,
      since: new Date(rejectedAt),
      synced: new Date(readAt),
    })
    expect(rows.find(({ id }) => id !== qboId)).toMatchObject({ since: null, synced: new Date(rejectedAt) })
    const [open] = await mirror.rows(
      `SELECT rejected_since FROM open_items WHERE qbo_id = '${qboId}' AND kind = 'bill'`,
    )
    expect(open).toEqual({ rejected_since: new Date(rejectedAt) })
    const [then] = await mirror.rows(
      `SELECT rejected_since FROM bills_as_of('${beforeReject}') WHERE qbo_id = '${qboId}' AND realm_id = '${REALM}'`,
    )
    // Rejects are noted by the clock of these tests, which stands long before Postgres'.
    expect(then).toHaveProperty('rejected_since')
  })

  test('flags its company, with the reason and where to look', async () => {
    const { mirror: block } = await readPage(options, listOf('bill'))
    expect(block).toMatchObject({
      rejects: 1,
      statusReason: {
        code: 'invalid_payload',
        message: expect.stringMatching(new RegExp(`^bill ${qboId} could not be taken: .*TotalAmt`)),
      },
      whatToDo: expect.stringContaining('/rejects'),
    })
    const [first] = await readCompanies(options, { after: null, limit: 1 })
    expect(first).toMatchObject({ realmId: REALM, rejects: 1, statusReason: block.statusReason })
  })

  test('is like any other once it was taken', async () => {
    const books = mirror.sandbox.books(REALM)
    books.put('Bill', { ...books.touch('Bill', qboId), TotalAmt: 71 })
    await mirror.sync()
    expect(await shown()).toMatchObject({
      totalAmount: '71',
      rejectedSince: null,
      lastSyncedAt: mirror.clock.now().toISOString(),
    })
    expect((await readPage(options, listOf('bill'))).mirror).toMatchObject({ rejects: 0, statusReason: null })
  })
})

describe('the status of a document', () => {
  test('goes by its company’s own date at the moment asked for, alike in lists, records and SQL', async () => {
    await mirror.rows(`UPDATE companies SET time_zone = 'Pacific/Kiritimati' WHERE realm_id = '${REALM}'`)
    const [row] = await mirror.rows<{ qboId: string }>(
      `UPDATE bills SET due_date = '2050-03-10', balance = 5, source_valid_from = '2050-01-01' WHERE (realm_id, qbo_id) =
         (SELECT realm_id, min(qbo_id) FROM bills WHERE realm_id = '${REALM}' GROUP BY realm_id) RETURNING qbo_id AS "qboId"`,
    )
    const { qboId } = row!
    // Fourteen hours ahead of UTC: the 11th begins at ten in the morning of the 10th.
    for (const [sourceAsOf, status] of [
      ['2050-03-10T09:59:59Z', 'open'],
      ['2050-03-10T10:00:00Z', 'overdue'],
    ] as const) {
      const moment = { asOf: null, sourceAsOf }
      expect(await readRecord(options, { realmId: REALM, entity: 'bill', qboId, moment })).toMatchObject({
        status,
      })
      const { data } = await readPage(options, listOf('bill', { moment, filters: { status: 'overdue' } }))
      expect(data.some((one) => one.qboId === qboId)).toBe(status === 'overdue')
      const sql = await mirror.rows(
        `SELECT status FROM bills_source_as_of('${sourceAsOf}') WHERE realm_id = '${REALM}' AND qbo_id = '${qboId}'`,
      )
      expect(sql).toEqual([{ status }])
    }
  })
})

describe('a moment', () => {
  let writer: pg.Client

  beforeAll(async () => {
    writer = new pg.Client({ connectionString: mirror.url })
    await writer.connect()
  })

  afterAll(() => writer.end())

  async function settled(asOf: string | null): Promise<boolean> {
    return (await readPage(options, listOf('bill', { moment: { asOf, sourceAsOf: null } }))).mirror.settled
  }

  test('is settled when nobody writes, and never in the future', async () => {
    expect(await settled(await postgresNow(mirror))).toBe(true)
    expect(await settled(null)).toBe(true)
    expect(await settled('9999-01-01T00:00:00Z')).toBe(false)
  })

  test('is not while a transaction that writes could still change it, and those before its start are', async () => {
    const before = await postgresNow(mirror)
    await writer.query('BEGIN')
    await writer.query(`UPDATE vendors SET display_name = display_name || '!' WHERE realm_id = $1`, [REALM])
    const during = await postgresNow(mirror)
    expect(await settled(before)).toBe(true)
    expect(await settled(during)).toBe(false)
    expect(await settled(null)).toBe(false)
    await writer.query('COMMIT')
    expect(await settled(during)).toBe(true)
    expect(await settled(null)).toBe(true)
  })

  test('is settled whatever reads or is maintained', async () => {
    await writer.query('BEGIN')
    await writer.query('SELECT count(*) FROM bills')
    await writer.query('SELECT * FROM companies FOR UPDATE')
    expect(await settled(await postgresNow(mirror))).toBe(true)
    await writer.query('ROLLBACK')
  })

  test('is judged alike for a role that may only read, which sees nothing of other sessions', async () => {
    await mirror.rows('CREATE ROLE only_reads')
    await mirror.rows('GRANT SELECT ON bills TO only_reads')
    const reader = new pg.Client({ connectionString: mirror.url })
    await reader.connect()
    try {
      await reader.query('SET ROLE only_reads')
      const isSettled = async (at: string) =>
        (await reader.query<{ yes: boolean }>('SELECT $1::timestamptz < settled_before() AS yes', [at]))
          .rows[0]!.yes
      const before = await postgresNow(mirror)
      expect(await isSettled(before)).toBe(true)
      await writer.query('BEGIN')
      await writer.query(`UPDATE bills SET private_note = 'x' WHERE realm_id = $1`, [REALM])
      expect(await isSettled(before)).toBe(true)
      expect(await isSettled(await postgresNow(mirror))).toBe(false)
      await writer.query('COMMIT')
      await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      expect(await isSettled(before)).toBe(false)
      await reader.query('COMMIT')
    } finally {
      await reader.end()
      await mirror.rows('REVOKE ALL ON bills FROM only_reads')
      await mirror.rows('DROP ROLE only_reads')
    }
  })
})
