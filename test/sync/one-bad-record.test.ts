import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { company, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { expectAtRest, expectSound, rowOf } from './invariants.ts'

// What one invoice with a damaged e-mail address was seen to do to every answer that would hold it.
describe.each([400, 500])('a record that makes every answer a fault 4002 under status %i', (status) => {
  let mirror: TestMirror
  let books: Books

  beforeEach(async () => {
    mirror = await startMirror({ companies: [company({ records: 100, lively: false })] })
    books = mirror.sandbox.books(REALM)
  })

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('is a reject of the backfill, and everything else is taken', async () => {
    const invoices = books.records('Invoice')
    damage(invoices[11]!.Id)
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
    expect(await held('invoices')).toBe(invoices.length - 1)
    expect(await held('bills')).toBe(books.records('Bill').length)
    expect(await openRejects()).toEqual([{ entity: 'invoice', code: 'poisoned_page' }])
  })

  test('keeps no incremental sync from bringing everything else', async () => {
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    const bad = books.records('Invoice')[11]!.Id
    books.editInvoice(bad, { privateNote: 'now it is damaged' })
    const bill = books.records('Bill').at(-1)!.Id
    books.editBill(bill, { privateNote: 'edited beside it' })
    damage(bad)
    // The first failure may be QuickBooks' own and pass.
    expect(await mirror.sync()).toMatchObject({ kind: 'failed', error: { code: 'unavailable' } })
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ private_note: 'edited beside it' })
    // It has no id to be known by, and one place among the changes and another one among all invoices.
    expect(new Set((await openRejects()).map(({ entity, code }) => `${entity} ${code}`))).toEqual(
      new Set(['invoice poisoned_page']),
    )
    // The overlap shows it once more, and then no more.
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    expect(await mirror.sync()).toMatchObject({ kind: 'finished' })
    mirror.clock.move({ minutes: 15 })
    const later = books.createBill({ vendorId: '1', amount: '3.00' }).Id
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    expect(await rowOf(mirror, 'bills', later)).toBeDefined()
  })

  test('is taken once it is corrected', async () => {
    const bad = books.records('Invoice')[11]!.Id
    damage(bad)
    await mirror.sync()
    mirror.sandbox.faults.clear()
    mirror.clock.move({ minutes: 15 })
    books.editInvoice(bad, { privateNote: 'corrected' })
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    expect(await rowOf(mirror, 'invoices', bad)).toMatchObject({ private_note: 'corrected' })
    expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'succeeded' })
    expect(await openRejects()).toEqual([])
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  function damage(recordId: string): void {
    mirror.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Invoice', recordId, status, code: '4002' })
  }

  async function held(table: string): Promise<number> {
    const [row] = await mirror.rows<{ count: number }>(
      `SELECT count(*) AS count FROM ${table} WHERE deleted_at IS NULL`,
    )
    return row!.count
  }

  function openRejects(): Promise<{ entity: string; code: string }[]> {
    return mirror.rows('SELECT entity, code FROM sync_rejects WHERE resolved_at IS NULL')
  }
})
