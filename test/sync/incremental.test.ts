import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { lastReport, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import {
  companyRow,
  expectAtRest,
  expectSound,
  lastRun,
  rowOf,
  versionsOf,
  watermarks,
} from './invariants.ts'

describe('an incremental run', () => {
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

  test('takes an edited bill and keeps what it was before', async () => {
    const bill = await knownBill('250.00')
    mirror.clock.move({ minutes: 15 })
    books.editBill(bill, { amount: '300.10', privateNote: 'corrected' })
    const edited = books.record('Bill', bill)!
    await mirror.sync()
    expect((await lastReport(mirror)).bill).toMatchObject({ updated: 1, inserted: 0, stale: 0 })
    const versions = await versionsOf(mirror, 'bills', bill)
    expect(versions).toMatchObject([
      { total_amount: '250', private_note: null },
      { total_amount: '300.1', private_note: 'corrected', valid_to: null },
    ])
    expect(versions[0]!.valid_to).toEqual(versions[1]!.valid_from)
    expect(versions[1]!.source_valid_from).toEqual(new Date(edited.MetaData.LastUpdatedTime))
    await expectAtRest(mirror)
  })

  test('names itself in the version that it wrote, and says that it changed something', async () => {
    const bill = await knownBill('250.00')
    books.editBill(bill, { amount: '260.00' })
    await mirror.sync()
    const { id } = await lastRun(mirror)
    expect((await versionsOf(mirror, 'bills', bill)).at(-1)).toMatchObject({ sync_run_id: id })
    expect(await lastRun(mirror)).toMatchObject({ changed: true, status: 'succeeded', mode: 'incremental' })
    await expectAtRest(mirror)
    expect(await lastRun(mirror)).toMatchObject({ changed: false, metered_calls: 1 })
  })

  test('follows a bill that is paid in part and then wholly', async () => {
    const bill = await knownBill('250.00')
    books.payBill(bill, '100.00')
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    books.payBill(bill, '150.00')
    await mirror.sync()
    const versions = await versionsOf(mirror, 'bills', bill)
    expect(versions.map((version) => version['balance'])).toEqual(['250', '150', '0'])
    await expectAtRest(mirror)
  })

  test('brings the account balances that a payment moved in the same call', async () => {
    const bill = await knownBill('250.00')
    mirror.clock.move({ minutes: 15 })
    mirror.sandbox.calls.clear()
    books.payBill(bill, '250.00')
    await mirror.sync()
    expect(mirror.sandbox.calls.meteredCount(REALM)).toBe(1)
    expect((await lastReport(mirror)).balance.updated).toBeGreaterThanOrEqual(2)
    await expectAtRest(mirror)
  })

  test('marks a deleted bill and keeps its row', async () => {
    const bill = await knownBill('250.00')
    mirror.clock.move({ minutes: 15 })
    books.deleteTxn('Bill', bill)
    await mirror.sync()
    expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 1 })
    const versions = await versionsOf(mirror, 'bills', bill)
    expect(versions).toMatchObject([
      { deleted_at: null, total_amount: '250' },
      { deleted_at: expect.any(Date), total_amount: '250' },
    ])
    await expectAtRest(mirror)
  })

  test('shows a voided invoice as voided', async () => {
    const { Id } = books.createInvoice({ customerId: '1', amount: '90.00' })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    books.voidInvoice(Id)
    await mirror.sync()
    expect(await versionsOf(mirror, 'invoices', Id)).toMatchObject([
      { voided: false, total_amount: '90' },
      { voided: true, total_amount: '0', balance: '0' },
    ])
    await expectAtRest(mirror)
  })

  test('takes the payment of an invoice', async () => {
    const { Id } = books.createInvoice({ customerId: '1', amount: '90.00' })
    await mirror.sync()
    books.receivePayment(Id, '40.00')
    await mirror.sync()
    expect(await rowOf(mirror, 'invoices', Id)).toMatchObject({ balance: '50', total_amount: '90' })
    await expectAtRest(mirror)
  })

  test('gives the bills of a renamed vendor its present name without a version of the bill', async () => {
    const bill = await knownBill('250.00')
    const before = await rowOf<{ vendor_name: string }>(mirror, 'bills', bill)
    books.renameVendor('1', 'Cobalt Timber')
    await mirror.sync()
    expect((await lastReport(mirror)).vendor).toMatchObject({ updated: 1 })
    expect(await versionsOf(mirror, 'bills', bill)).toHaveLength(1)
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ vendor_name: before!.vendor_name })
    expect(
      await mirror.rows('SELECT DISTINCT vendor_name FROM bills_current WHERE qbo_id = :bill', { bill }),
    ).toEqual([{ vendor_name: 'Cobalt Timber' }])
    await expectAtRest(mirror)
  })

  test('keeps an account that was made inactive, as inactive', async () => {
    const { Id } = books.createAccount({ name: 'Petty cash', type: 'Bank' })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    books.inactivate('Account', Id)
    await mirror.sync()
    expect(await versionsOf(mirror, 'balances', Id)).toMatchObject([
      { active: true },
      { active: false, deleted_at: null },
    ])
    await expectAtRest(mirror)
  })

  test('buries a record that was created and deleted between two runs', async () => {
    mirror.clock.move({ minutes: 15 })
    const { Id } = books.createBill({ vendorId: '1', amount: '12.00' })
    mirror.clock.move({ seconds: 5 })
    books.deleteTxn('Bill', Id)
    await mirror.sync()
    expect((await lastReport(mirror)).bill).toMatchObject({ buried: 1, inserted: 0, deleted: 0 })
    expect(await rowOf(mirror, 'bills', Id)).toBeUndefined()
    expect(await mirror.rows('SELECT entity, qbo_id FROM tombstones')).toEqual([
      { entity: 'bill', qbo_id: Id },
    ])
    await expectAtRest(mirror)
  })

  test('notes a touch without making a version of it', async () => {
    const bill = await knownBill('250.00')
    mirror.clock.move({ minutes: 15 })
    const touched = books.touch('Bill', bill)
    await mirror.sync()
    expect((await lastReport(mirror)).bill).toMatchObject({ touched: 1, updated: 0 })
    expect(await versionsOf(mirror, 'bills', bill)).toHaveLength(1)
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({
      sync_token: touched.SyncToken,
      source_updated_at: new Date(touched.MetaData.LastUpdatedTime),
    })
    expect(await lastRun(mirror)).toMatchObject({ changed: false })
    await expectAtRest(mirror)
  })

  test('dates a change that QuickBooks gave no new time from the answer that showed it', async () => {
    mirror.clock.move({ minutes: 15 })
    const { Id, MetaData } = books.createAccount({ name: 'Till', type: 'Bank', openingBalance: '10.00' })
    await mirror.sync()
    books.silentChange('Account', Id, { CurrentBalance: 7, CurrentBalanceWithSubAccounts: 7 })
    await mirror.sync()
    const [first, second] = await versionsOf(mirror, 'balances', Id)
    expect(first).toMatchObject({
      current_balance: '10',
      source_valid_from: new Date(MetaData.LastUpdatedTime),
    })
    expect(second).toMatchObject({
      current_balance: '7',
      source_valid_from: mirror.clock.now(),
      source_updated_at: new Date(MetaData.LastUpdatedTime),
    })
    await expectAtRest(mirror)
  })

  test('moves every watermark to the time of its answer, and last_synced_at to ours', async () => {
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    const now = mirror.clock.now()
    const entities = ['balance', 'bill', 'customer', 'invoice', 'vendor']
    expect(await watermarks(mirror)).toEqual(
      Object.fromEntries(entities.map((entity) => [entity, now.toISOString()])),
    )
    expect(await mirror.rows('SELECT DISTINCT last_synced_at FROM sync_states')).toEqual([
      { last_synced_at: now },
    ])
    const report = await lastReport(mirror)
    expect(report.bill.watermarkTo).toBe(now.toISOString())
    expect(Date.parse(report.bill.watermarkFrom!)).toBeLessThan(now.getTime())
    expect(await companyRow(mirror)).toMatchObject({ last_success_at: now })
  })

  test('counts its records in the totals', async () => {
    const counted = () =>
      mirror.rows<{ total: number }>(
        `SELECT total FROM metric_totals_now()
          WHERE metric = 'ledger_sync_records_total' AND labels = '{"entity": "bill", "change": "inserted"}'`,
      )
    const [before] = await counted()
    books.createBill({ vendorId: '1', amount: '1.00' })
    books.createBill({ vendorId: '1', amount: '2.00' })
    await mirror.sync()
    expect(await counted()).toEqual([{ total: before!.total + 2 }])
  })

  test('does not let a late older copy replace a newer one', async () => {
    const bill = await knownBill('250.00')
    const old = books.recordsText('Bill').find((text) => JSON.parse(text).Id === bill)!
    mirror.clock.move({ minutes: 1 })
    books.editBill(bill, { amount: '300.00' })
    const current = books.recordsText('Bill').find((text) => JSON.parse(text).Id === bill)!
    await mirror.sync()
    books.putText('Bill', old)
    await mirror.sync()
    expect((await lastReport(mirror)).bill).toMatchObject({ stale: 1, updated: 0 })
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ total_amount: '300' })
    books.putText('Bill', current)
    await expectAtRest(mirror)
  })

  test('lets the later answer win where two edits share a second', async () => {
    const bill = await knownBill('250.00')
    mirror.clock.move({ minutes: 15 })
    books.editBill(bill, { amount: '300.00' })
    await mirror.ask()
    await mirror.run()
    mirror.clock.move({ ms: 400 })
    books.editBill(bill, { amount: '310.00' })
    mirror.clock.move({ ms: 100 })
    await mirror.ask()
    await mirror.run()
    const versions = await versionsOf(mirror, 'bills', bill)
    expect(versions.map((version) => version['total_amount'])).toEqual(['250', '300', '310'])
    expect(versions[1]!['source_updated_at']).toEqual(versions[2]!['source_updated_at'])
    await expectAtRest(mirror)
  })

  test('makes up by the overlap for answers that lag behind', async () => {
    mirror.clock.move({ minutes: 15 })
    const { Id } = books.createBill({ vendorId: '1', amount: '42.00' })
    mirror.sandbox.faults.add({ kind: 'staleRead', operation: 'cdc', lagSeconds: 120, times: 1 })
    await mirror.sync()
    expect(await rowOf(mirror, 'bills', Id)).toBeUndefined()
    await mirror.sync()
    expect(await rowOf(mirror, 'bills', Id)).toMatchObject({ total_amount: '42' })
    await expectAtRest(mirror)
  })

  test('asks one call more for a company whose token expired, and none of them is metered', async () => {
    mirror.clock.move({ days: 1 })
    mirror.sandbox.calls.clear()
    await mirror.sync()
    expect(mirror.sandbox.calls.list().map(({ operation }) => operation)).toEqual(['token', 'cdc'])
    await expectAtRest(mirror)
  })

  describe('told of a delete', () => {
    test('believes it without asking when nothing speaks against it', async () => {
      const bill = await knownBill('250.00')
      mirror.clock.move({ minutes: 15 })
      books.deleteTxn('Bill', bill)
      mirror.sandbox.calls.clear()
      await mirror.sync()
      expect(mirror.sandbox.calls.meteredCount(REALM)).toBe(1)
    })

    test('asks by id when a later answer showed the record alive, and does not believe a false one', async () => {
      const bill = await settledBill()
      books.falseTombstone('Bill', bill)
      mirror.clock.move({ seconds: 2 })
      books.editBill(bill, { privateNote: 'alive' })
      await showAlive(bill)
      mirror.sandbox.calls.clear()
      await mirror.sync()
      expect(mirror.sandbox.calls.meteredCount(REALM)).toBe(2)
      expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 0 })
      expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: null })
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })

    test('believes a true one, which a lagging answer contradicted, once it has asked', async () => {
      const bill = await knownBill('250.00')
      mirror.clock.move({ minutes: 15 })
      books.editBill(bill, { privateNote: 'last words' })
      mirror.clock.move({ seconds: 10 })
      books.deleteTxn('Bill', bill)
      mirror.sandbox.faults.add({ kind: 'staleRead', operation: 'cdc', lagSeconds: 65, times: 1 })
      await mirror.sync()
      expect(await rowOf(mirror, 'bills', bill)).toMatchObject({
        deleted_at: null,
        private_note: 'last words',
      })
      mirror.sandbox.calls.clear()
      await mirror.sync()
      expect(mirror.sandbox.calls.list().map(({ operation }) => operation)).toEqual(['cdc', 'query'])
      expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 1 })
      await expectAtRest(mirror)
    })

    test('asks by id when the same answer shows the record alive, now and whenever it is told again', async () => {
      const bill = await knownBill('250.00')
      mirror.clock.move({ minutes: 1 })
      books.falseTombstone('Bill', bill)
      await mirror.sync()
      expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: null })
      for (const _ of [1, 2, 3, 4]) {
        await mirror.sync()
        expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: null })
      }
      expect(await versionsOf(mirror, 'bills', bill)).toHaveLength(1)
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })

    test('lets the record live again when it is edited after all', async () => {
      const bill = await settledBill()
      books.falseTombstone('Bill', bill)
      await mirror.sync()
      expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 1 })
      mirror.clock.move({ minutes: 15 })
      books.editBill(bill, { privateNote: 'still here' })
      await mirror.sync()
      expect((await lastReport(mirror)).bill).toMatchObject({ revived: 1 })
      expect(await versionsOf(mirror, 'bills', bill)).toMatchObject([
        { deleted_at: null },
        { deleted_at: expect.any(Date) },
        { deleted_at: null, private_note: 'still here' },
      ])
      await expectAtRest(mirror)
    })

    test('lets the record live again when a listing shows it', async () => {
      const bill = await settledBill()
      books.falseTombstone('Bill', bill)
      await mirror.sync()
      mirror.clock.move({ minutes: 15 })
      await mirror.sync(REALM, { mode: 'full' })
      expect((await lastReport(mirror)).bill).toMatchObject({ revived: 1 })
      await expectAtRest(mirror)
    })

    test('forgets the tombstone of a record that it then gets to see', async () => {
      mirror.clock.move({ minutes: 15 })
      books.falseTombstone('Bill', '987')
      await mirror.sync()
      expect(await mirror.rows('SELECT qbo_id FROM tombstones')).toEqual([{ qbo_id: '987' }])
      mirror.clock.move({ minutes: 15 })
      const later = books.createBill({ vendorId: '1', amount: '5.00' })
      books.put('Bill', { ...later, Id: '987' })
      await mirror.sync()
      expect(await mirror.rows('SELECT qbo_id FROM tombstones')).toEqual([])
      await expectAtRest(mirror)
    })

    async function showAlive(bill: string): Promise<void> {
      await mirror.sync()
      expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: null })
    }
  })

  /** A bill that the mirror has taken, so long ago that no overlap shows it again. */
  async function settledBill(): Promise<string> {
    const bill = await knownBill('250.00')
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    return bill
  }

  /** A bill that the mirror has taken. */
  async function knownBill(amount: string): Promise<string> {
    mirror.clock.move({ minutes: 15 })
    const { Id } = books.createBill({ vendorId: '1', amount })
    await mirror.sync()
    return Id
  }
})
