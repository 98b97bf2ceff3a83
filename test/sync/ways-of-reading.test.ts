import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { lastReport, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { everyRow, expectAtRest, expectSound, rowOf, versionsOf } from './invariants.ts'

type Payload = Parameters<Books['put']>[1]

describe('a record that is read in several ways', () => {
  let mirror: TestMirror
  let books: Books

  beforeEach(async () => {
    mirror = await startMirror()
    books = mirror.sandbox.books(REALM)
    await mirror.sync()
  })

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('is not written again by change data capture after a listing, nor by a listing after that', async () => {
    const listed = await everyRow(mirror, REALM)
    // Within the overlap: each of them tells of everything once more.
    for (let reading = 1; reading <= 2; reading += 1) {
      await mirror.sync()
      expect(await everyRow(mirror, REALM)).toEqual(listed)
      await mirror.sync(REALM, { mode: 'full' })
      expect(await everyRow(mirror, REALM)).toEqual(listed)
    }
  })

  test('is not written again by a listing or by its id after change data capture', async () => {
    mirror.clock.move({ minutes: 15 })
    const { Id: bill } = books.createBill({ vendorId: '1', amount: '250.10', privateNote: 'new' })
    const { Id: invoice } = books.createInvoice({ customerId: '1', amount: '90.00' })
    await mirror.sync()
    const told = await everyRow(mirror, REALM)
    await mirror.sync(REALM, { mode: 'full' })
    // Past the overlap, which would resolve the rejects by itself.
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    await readById('bill', bill)
    await readById('invoice', invoice)
    await mirror.sync()
    expect(await everyRow(mirror, REALM)).toEqual(told)
    expect(await versionsOf(mirror, 'bills', bill)).toHaveLength(1)
    expect(await versionsOf(mirror, 'invoices', invoice)).toHaveLength(1)
  })

  test('gets no version for a renamed vendor', async () => {
    const { Id } = books.createBill({ vendorId: '1', amount: '250.10' })
    await mirror.sync()
    books.renameVendor('1', 'Cobalt Timber')
    await mirror.sync(REALM, { mode: 'full' })
    expect(await versionsOf(mirror, 'bills', Id)).toHaveLength(1)
  })

  test.each([
    ['an empty note', { PrivateNote: '' }],
    ['a rate of 1', { ExchangeRate: 1 }],
    ['numbers spelt otherwise, beside another way of reading', { CustomExtensions: [{ x: 1 }] }],
  ])('gets no version for %s that stands there all of a sudden', async (_what, patch) => {
    const { Id } = await settledBill()
    books.silentChange('Bill', Id, patch)
    await expectNoVersion('bills', Id)
  })

  test('gets no version for a default that stands there no more', async () => {
    const { Id } = books.createInvoice({ customerId: '1', amount: '90.00' })
    await mirror.sync()
    const before = await rowOf(mirror, 'invoices', Id)
    const { EmailStatus: _left, PrintStatus: _out, ...rest } = books.record('Invoice', Id)!
    books.put('Invoice', rest as Payload)
    await mirror.sync(REALM, { mode: 'full' })
    expect(await rowOf(mirror, 'invoices', Id)).toEqual(before)
  })

  test('gets a version when its balance moves without a sign', async () => {
    const { Id } = await settledBill()
    books.silentChange('Bill', Id, { Balance: 77.77 })
    await mirror.sync(REALM, { mode: 'full' })
    expect(await versionsOf(mirror, 'bills', Id)).toMatchObject([{ balance: '250' }, { balance: '77.77' }])
    await expectAtRest(mirror)
  })

  test('gets a version when it is given to another vendor without a sign', async () => {
    const { Id } = await settledBill()
    books.silentChange('Bill', Id, { VendorRef: { value: '2', name: 'Somebody' } })
    await mirror.sync(REALM, { mode: 'full' })
    expect(await versionsOf(mirror, 'bills', Id)).toMatchObject([{ vendor_id: '1' }, { vendor_id: '2' }])
    await expectAtRest(mirror)
  })

  test('shows what changed outside its columns without a sign with its next edit', async () => {
    const bill = await settledBill()
    const [line] = bill['Line'] as object[]
    books.silentChange('Bill', bill.Id, { Line: [{ ...line, Description: 'changed in silence' }] })
    await expectNoVersion('bills', bill.Id)
    books.editBill(bill.Id, { privateNote: 'edited' })
    await mirror.sync()
    const versions = await versionsOf<{ raw: object }>(mirror, 'bills', bill.Id)
    expect(versions.map(({ raw }) => raw)).toMatchObject([
      {},
      { PrivateNote: 'edited', Line: [{ Description: 'changed in silence' }] },
    ])
    await expectAtRest(mirror)
  })

  test('gets a version for each of two edits within one second, whatever they change', async () => {
    const { Id } = await settledBill()
    books.editBill(Id, { lines: [{ amount: '250.00', description: 'first' }] })
    await askWithinTheSecond()
    books.editBill(Id, { lines: [{ amount: '250.00', description: 'second' }] })
    await askWithinTheSecond()
    const versions = await versionsOf<{ raw: object; source_updated_at: Date }>(mirror, 'bills', Id)
    expect(versions.map(({ raw }) => raw)).toMatchObject([
      {},
      { Line: [{ Description: 'first' }] },
      { Line: [{ Description: 'second' }] },
    ])
    expect(versions[1]!.source_updated_at).toEqual(versions[2]!.source_updated_at)
    await expectAtRest(mirror)
  })

  test('gets a version when its last linked transaction goes', async () => {
    const { Id } = await settledBill()
    const bill = books.record('Bill', Id)!
    const edited = (SyncToken: string, LinkedTxn: object[]) => ({ ...bill, SyncToken, LinkedTxn }) as Payload
    books.put('Bill', edited('7', [{ TxnId: '9', TxnType: 'PurchaseOrder' }]))
    await mirror.sync(REALM, { mode: 'full' })
    books.put('Bill', edited('8', []))
    await mirror.sync(REALM, { mode: 'full' })
    const versions = await versionsOf<{ raw: object }>(mirror, 'bills', Id)
    expect(versions.map(({ raw }) => raw)).toMatchObject([
      {},
      { LinkedTxn: [{ TxnId: '9' }] },
      { LinkedTxn: [] },
    ])
  })

  async function expectNoVersion(table: 'bills', qboId: string): Promise<void> {
    const before = await rowOf(mirror, table, qboId)
    await mirror.sync(REALM, { mode: 'full' })
    expect((await lastReport(mirror)).bill).toMatchObject({ updated: 0, drifted: 0 })
    expect(await rowOf(mirror, table, qboId)).toEqual(before)
    expect(await versionsOf(mirror, table, qboId)).toHaveLength(1)
  }

  /** As a record is read that waits for being tried again. */
  async function readById(entity: string, qboId: string): Promise<void> {
    await mirror.rows(
      `INSERT INTO sync_rejects (realm_id, entity, qbo_id, payload, code, reason, sync_run_id,
                                 first_seen_at, last_seen_at, retry_at)
       VALUES (:realm, :entity, :qboId, '', 'invalid_payload', '', 1, now(), now(), '2020-01-01')`,
      { realm: REALM, entity, qboId },
    )
    mirror.sandbox.calls.clear()
    await mirror.sync()
    expect(mirror.sandbox.calls.list().map(({ query }) => query)).toContainEqual(
      expect.stringContaining(`'${qboId}'`),
    )
  }

  async function askWithinTheSecond(): Promise<void> {
    await mirror.ask()
    expect(await mirror.run()).toMatchObject({ status: 'succeeded' })
    mirror.clock.move({ ms: 10 })
  }

  async function settledBill() {
    mirror.clock.move({ minutes: 15 })
    const bill = books.createBill({ vendorId: '1', amount: '250.00' })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    return books.record('Bill', bill.Id)!
  }
})
