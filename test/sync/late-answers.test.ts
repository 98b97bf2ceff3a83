import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { ListingPage } from '../../src/quickbooks/quickbooks.ts'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { createTestClock } from '../setup/clock.ts'
import { REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { expectAtRest, expectSound, lastRun, rowOf } from './invariants.ts'

describe('a complete listing', () => {
  let mirror: TestMirror
  const former = new Map<string, ListingPage>()
  let repeats = false

  beforeEach(async () => {
    repeats = false
    former.clear()
    mirror = await startMirror({
      wrapReader: (reader) => ({
        ...reader,
        async listPage(entity, cursor) {
          const page = repeats ? former.get(entity) : undefined
          if (page) return page
          const fresh = await reader.listPage(entity, cursor)
          former.set(entity, fresh)
          return fresh
        },
      }),
    })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
  })

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('that lags behind takes a new record away for one run at most', async () => {
    const books = mirror.sandbox.books(REALM)
    const bill = books.createBill({ vendorId: books.records('Vendor')[0]!.Id, amount: '12.00' })
    await mirror.sync()
    const fault = mirror.sandbox.faults.add({ kind: 'staleRead', realmId: REALM, lagSeconds: 200 })
    await mirror.sync(REALM, { mode: 'full' })
    mirror.sandbox.faults.remove(fault)
    expect(await rowOf(mirror, 'bills', bill.Id)).toMatchObject({ deleted_at: expect.any(Date) })
    await mirror.sync()
    expect(await rowOf(mirror, 'bills', bill.Id)).toMatchObject({ deleted_at: null })
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('answered once more with pages of before changes nothing that was read since', async () => {
    const books = mirror.sandbox.books(REALM)
    const [bill] = books.records('Bill')
    books.editBill(bill!.Id, { privateNote: 'newer than the listing' })
    await mirror.sync()
    repeats = true
    await mirror.sync(REALM, { mode: 'full' })
    expect(await dumpMirror(mirror)).toEqual(expectedMirror(mirror))
  })
})

describe("a complete listing after QuickBooks' clock was put back", () => {
  let mirror: TestMirror
  const ourClock = createTestClock()
  let billId: string

  beforeEach(async () => {
    mirror = await startMirror({ ourClock })
    await mirror.sync()
    mirror.clock.move({ minutes: 60 })
    pass(1)
    const books = mirror.sandbox.books(REALM)
    billId = books.createBill({ vendorId: books.records('Vendor')[0]!.Id, amount: '12.00' }).Id
    await mirror.sync()
    mirror.clock.move({ minutes: -60 })
    pass(10)
  })

  afterEach(async () => {
    expect(await dumpMirror(mirror)).toEqual(expectedMirror(mirror))
    await mirror.close()
  })

  test('takes a delete of what it read while it ran ahead', async () => {
    mirror.sandbox.books(REALM).deleteTxn('Bill', billId)
    pass(10)
    await mirror.sync(REALM, { mode: 'full' })
    expect(await rowOf(mirror, 'bills', billId)).toMatchObject({ deleted_at: expect.any(Date) })
  })

  test('takes an edit of what it read while it ran ahead', async () => {
    mirror.sandbox.books(REALM).editBill(billId, { amount: '99.00' })
    pass(10)
    await mirror.sync(REALM, { mode: 'full' })
    expect(await rowOf(mirror, 'bills', billId)).toMatchObject({ total_amount: '99' })
  })

  test('is made by the next run by itself, once, and changes are told again after it', async () => {
    mirror.sandbox.books(REALM).editBill(billId, { amount: '99.00' })
    pass(10)
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    expect(await lastRun(mirror)).toMatchObject({ mode: 'full' })
    expect(await rowOf(mirror, 'bills', billId)).toMatchObject({ total_amount: '99' })
    mirror.sandbox.books(REALM).renameVendor(mirror.sandbox.books(REALM).records('Vendor')[0]!.Id, 'After it')
    pass(10)
    await mirror.sync()
    expect(await lastRun(mirror)).toMatchObject({ mode: 'incremental' })
  })

  function pass(minutes: number): void {
    mirror.clock.move({ minutes })
    ourClock.move({ minutes })
  }
})

describe("change data capture after QuickBooks' clock was put back", () => {
  let mirror: TestMirror
  const ourClock = createTestClock()

  beforeEach(async () => {
    mirror = await startMirror({ ourClock })
    await mirror.sync()
  })

  afterEach(() => mirror.close())

  test.each([
    [10, 8],
    [18, 14],
  ])(
    'by %i minutes, and passed the watermark again after %i, tells of what came between',
    async (by, after) => {
      mirror.clock.move({ minutes: by })
      pass(1)
      await mirror.sync()
      mirror.clock.move({ minutes: -by })
      const books = mirror.sandbox.books(REALM)
      books.createBill({ vendorId: books.records('Vendor')[0]!.Id, amount: '12.00' })
      pass(after - 1)
      await mirror.sync()
      expect(await dumpMirror(mirror)).toEqual(expectedMirror(mirror))
      pass(15)
      await expectAtRest(mirror)
    },
  )

  test('is asked once more where our own clock was put forward, and once again from then on', async () => {
    pass(10)
    await mirror.sync()
    ourClock.move({ hours: 2 })
    await mirror.sync()
    expect(await lastRun(mirror)).toMatchObject({ mode: 'incremental', metered_calls: 2 })
    pass(15)
    await mirror.sync()
    expect(await lastRun(mirror)).toMatchObject({ mode: 'incremental', metered_calls: 1 })
  })

  function pass(minutes: number): void {
    mirror.clock.move({ minutes })
    ourClock.move({ minutes })
  }
})
