import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { rowsOf } from '../../src/db/database.ts'
import { ENTITIES } from '../../src/domain/entity.ts'
import { Balance, BalanceVersion } from '../../src/models/balance.ts'
import { Bill, BillVersion } from '../../src/models/bill.ts'
import { Company } from '../../src/models/company.ts'
import { Connection } from '../../src/models/connection.ts'
import { Customer } from '../../src/models/customer.ts'
import { Invoice, InvoiceVersion } from '../../src/models/invoice.ts'
import type { LedgerModel } from '../../src/models/ledger-model.ts'
import type { MirroredRecord } from '../../src/models/mirrored-record.ts'
import { MIRRORED_TABLES } from '../../src/models/mirrored-tables.ts'
import { CompanyEvent } from '../../src/models/company-event.ts'
import { Disappearance } from '../../src/models/disappearance.ts'
import { SyncReject } from '../../src/models/sync-reject.ts'
import { SyncRun } from '../../src/models/sync-run.ts'
import { SyncState } from '../../src/models/sync-state.ts'
import { Vendor } from '../../src/models/vendor.ts'
import { createTestDatabase, type TestDatabase } from '../setup/test-database.ts'
import { openKnex } from '../setup/open-knex.ts'

const REALM = '4620816300000000801'
const OTHER_REALM = '4620816300000000802'
const AT = new Date('2026-10-01T08:00:00Z')

let database: TestDatabase
let knex: Knex

beforeAll(async () => {
  database = await createTestDatabase()
  knex = openKnex(database.url, { poolMax: 2 })
  for (const realmId of [REALM, OTHER_REALM]) await fill(realmId)
})

afterAll(async () => {
  await knex.destroy()
  await database.drop()
})

const SHARED = {
  qboId: '1',
  sourceUpdatedAt: AT,
  sourceValidFrom: AT,
  observedAt: AT,
  lastSyncedAt: AT,
  contentHash: 'a',
  mappingVersion: 1,
  syncRunId: 9_007_199_254_740_991,
  raw: { Id: '1', Amount: 1.1 },
}

/** A company with one record of everything: both companies use the same ids. */
async function fill(realmId: string): Promise<void> {
  await Company.query(knex).insert({
    realmId,
    name: `Company ${realmId}`,
    statusChangedAt: AT,
    nextSyncAt: AT,
    createdAt: AT,
    failuresInARow: 3,
  })
  await Connection.query(knex).insert({ realmId, environment: 'simulator', updatedAt: AT })
  await SyncState.query(knex).insert({ realmId, entity: 'bill', watermark: AT, listing: { from: 'x' } })
  await SyncRun.query(knex).insert({
    realmId,
    trigger: 'manual',
    mode: 'full',
    status: 'running',
    startedAt: AT,
    servedRequest: 1,
  })
  await SyncReject.query(knex).insert({
    realmId,
    entity: 'bill',
    qboId: '9',
    payload: '{}',
    code: 'invalid_payload',
    reason: 'no number',
    syncRunId: 1,
    firstSeenAt: AT,
    lastSeenAt: AT,
    retryAt: AT,
  })
  await Vendor.query(knex).insert({ ...SHARED, realmId, displayName: `Vendor of ${realmId}`, active: true })
  await Customer.query(knex).insert({
    ...SHARED,
    realmId,
    displayName: `Customer of ${realmId}`,
    active: true,
  })
  await Balance.query(knex).insert([
    { ...SHARED, realmId, accountName: 'Bank', active: true },
    {
      ...SHARED,
      realmId,
      qboId: '2',
      parentId: '1',
      accountName: 'Bank:Till',
      active: true,
      currentBalance: '-0.10',
    },
  ])
  await Bill.query(knex).insert({
    ...SHARED,
    realmId,
    vendorId: '1',
    txnDate: '2026-03-29',
    dueDate: '2026-10-25',
    totalAmount: '12345678901234567890.123400',
    balance: '0.10',
    exchangeRate: '1.2345678901',
  })
  await Invoice.query(knex).insert({
    ...SHARED,
    realmId,
    customerId: '1',
    txnDate: '2026-01-01',
    totalAmount: '5',
    balance: '5',
    voided: false,
  })
  const changed: (typeof MirroredRecord)[] = [Bill, Invoice, Balance]
  for (const Model of changed) {
    await Model.query(knex)
      .findById([realmId, '1'])
      .patch({ raw: { Id: '1', changed: true } })
  }
}

const MODELS: Record<string, [typeof LedgerModel, string[]]> = {
  Company: [Company, ['company.ts']],
  Connection: [Connection, ['connection.ts']],
  SyncState: [SyncState, ['sync-state.ts']],
  SyncRun: [SyncRun, ['sync-run.ts']],
  SyncReject: [SyncReject, ['sync-reject.ts']],
  CompanyEvent: [CompanyEvent, ['company-event.ts']],
  Disappearance: [Disappearance, ['disappearance.ts']],
  Vendor: [Vendor, ['mirrored-record.ts', 'vendor.ts']],
  Customer: [Customer, ['mirrored-record.ts', 'customer.ts']],
  Balance: [Balance, ['mirrored-record.ts', 'balance.ts']],
  Bill: [Bill, ['mirrored-record.ts', 'bill.ts']],
  Invoice: [Invoice, ['mirrored-record.ts', 'invoice.ts']],
  BalanceVersion: [BalanceVersion, ['mirrored-record.ts', 'balance.ts']],
  BillVersion: [BillVersion, ['mirrored-record.ts', 'bill.ts']],
  InvoiceVersion: [InvoiceVersion, ['mirrored-record.ts', 'invoice.ts']],
}

/** The fields that a class declares: relations, which may be missing, are none. */
async function declaredFields(name: string, files: readonly string[]): Promise<string[]> {
  const sources = await Promise.all(
    files.map((file) => readFile(new URL(`../../src/models/${file}`, import.meta.url), 'utf8')),
  )
  const classes = sources.flatMap((source) => source.split(/^export class /m).slice(1))
  const wanted = [name, name.replace(/Version$/, ''), 'MirroredRecord']
  return classes
    .filter((text) => wanted.includes(/^\w+/.exec(text)![0]))
    .flatMap((text) => [...text.matchAll(/^ {2}declare (\w+):/gm)].map((match) => match[1]!))
}

/** Without the column that only the guards of history read and write. */
async function columnsOf(table: string): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(
    knex,
    `SELECT attname::text AS name FROM pg_attribute WHERE attrelid = :table::regclass AND attnum > 0 AND NOT attisdropped
        AND attname <> 'previous_valid_from'`,
    { table },
  )
  return rows.map(({ name }) => name)
}

describe('a model', () => {
  test.each(Object.entries(MODELS))('%s declares the columns of its table', async (name, [Model, files]) => {
    const { format } = Model.columnNameMappers
    const fields = await declaredFields(name, files)
    const columns = Object.keys(format(Object.fromEntries(fields.map((field) => [field, null]))))
    expect(columns.sort()).toEqual((await columnsOf(Model.tableName)).sort())
  })

  test('reads every name that it wrote', async () => {
    expect(await Company.query(knex).findById(REALM)).toMatchObject({ failuresInARow: 3, requestedSeq: 0 })
  })
})

describe('the registry', () => {
  const NOT_CONTENT = [
    ...['realm_id', 'qbo_id', 'sync_token', 'source_created_at', 'source_updated_at', 'source_valid_from'],
    ...['observed_at', 'last_synced_at', 'deleted_at', 'valid_from', 'content_hash', 'mapping_version'],
    ...['sync_run_id', 'tx_id', 'raw'],
  ]

  test.each(ENTITIES)('names the columns of content of %s, all and no others', async (entity) => {
    const { table, content, model } = MIRRORED_TABLES[entity]
    expect(model.tableName).toBe(table)
    const columns = (await columnsOf(table)).filter((column) => !NOT_CONTENT.includes(column))
    expect(Object.values<string>(content).sort()).toEqual(columns.sort())
  })

  test.each(ENTITIES)('says what Postgres keeps in the columns of %s', async (entity) => {
    const { table, content, types } = MIRRORED_TABLES[entity]
    const kept = await rowsOf<{ name: string; type: string }>(
      knex,
      `SELECT column_name AS name, data_type AS type FROM information_schema.columns WHERE table_name = :table`,
      { table },
    )
    const typeOf = new Map(kept.map(({ name, type }) => [name, type]))
    const columns = Object.entries<string>(content)
    expect(types).toEqual(Object.fromEntries(columns.map(([field, column]) => [field, typeOf.get(column)])))
  })

  test('names every table that has a history, once', async () => {
    const kept = await rowsOf<{ name: string }>(knex, 'SELECT table_name AS name FROM history_tables')
    const tables = Object.values(MIRRORED_TABLES).map(({ table }) => table)
    expect(tables.sort()).toEqual(kept.map(({ name }) => name).sort())
  })
})

describe('values come as what they are', () => {
  test('money and rates as text, to the last digit', async () => {
    expect(await Bill.query(knex).findById([REALM, '1'])).toMatchObject({
      totalAmount: '12345678901234567890.123400',
      balance: '0.10',
      exchangeRate: '1.2345678901',
      homeBalance: null,
    })
    expect(await Balance.query(knex).findById([REALM, '2'])).toMatchObject({ currentBalance: '-0.10' })
  })

  test('days as text, moments as dates, whole numbers as numbers', async () => {
    const bill = await Bill.query(knex).findById([REALM, '1']).throwIfNotFound()
    expect(bill).toMatchObject({
      txnDate: '2026-03-29',
      dueDate: '2026-10-25',
      sourceUpdatedAt: AT,
      deletedAt: null,
      mappingVersion: 1,
      syncRunId: 9_007_199_254_740_991,
      raw: { Id: '1', changed: true },
    })
    expect(bill.validFrom).toBeInstanceOf(Date)
    expect(typeof bill.txId).toBe('string')
    expect((await SyncRun.query(knex).findOne({ realm_id: REALM }))!.id).toEqual(expect.any(Number))
    expect((await Company.query(knex).findById(REALM))!.syncPhase).toEqual(expect.any(Number))
  })
})

describe('relations stay within the company', () => {
  test('of a bill', async () => {
    const bill = await Bill.query(knex)
      .findById([REALM, '1'])
      .withGraphFetched('[vendor, versions, syncStates]')
      .throwIfNotFound()
    expect(bill.vendor).toMatchObject({ realmId: REALM, displayName: `Vendor of ${REALM}` })
    expect(bill.versions).toMatchObject([
      { realmId: REALM, raw: SHARED.raw, validTo: bill.validFrom },
      { realmId: REALM, raw: { changed: true }, validTo: null },
    ])
    expect(bill.syncStates).toMatchObject([
      { realmId: REALM, entity: 'bill', watermark: AT, listing: { from: 'x' } },
    ])
  })

  test('of an invoice', async () => {
    const invoice = await Invoice.query(knex)
      .findById([OTHER_REALM, '1'])
      .withGraphFetched('[customer, versions, syncStates]')
      .throwIfNotFound()
    expect(invoice.customer).toMatchObject({ displayName: `Customer of ${OTHER_REALM}` })
    expect(invoice.versions!.map(({ realmId }) => realmId)).toEqual([OTHER_REALM, OTHER_REALM])
    expect(invoice.syncStates).toHaveLength(1)
  })

  test('of a balance', async () => {
    const balance = await Balance.query(knex)
      .findById([REALM, '2'])
      .withGraphFetched('[parent.versions, versions, syncStates]')
      .throwIfNotFound()
    expect(balance.parent).toMatchObject({ realmId: REALM, accountName: 'Bank' })
    expect(balance.parent!.versions).toHaveLength(2)
    expect(balance.versions).toHaveLength(1)
    expect(balance.syncStates).toHaveLength(1)
  })

  test('of a company', async () => {
    const company = await Company.query(knex)
      .findById(REALM)
      .withGraphFetched('[syncStates, runs, rejects]')
      .throwIfNotFound()
    expect(company.syncStates).toHaveLength(1)
    expect(company.runs).toMatchObject([{ realmId: REALM, servedRequest: 1, entities: {} }])
    expect(company.rejects).toMatchObject([{ realmId: REALM, payload: '{}' }])
  })

  test('when they are joined as well', async () => {
    const bills = await Bill.query(knex).withGraphJoined('vendor').where('bills.realm_id', REALM)
    expect(bills).toMatchObject([{ vendor: { realmId: REALM } }])
  })
})
