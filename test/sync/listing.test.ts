import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { LedgerError } from '../../src/domain/ledger-error.ts'
import type { CompanyReader, ListingPage } from '../../src/quickbooks/quickbooks.ts'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { company, lastReport, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { openRejects } from '../setup/rejects.ts'
import { expectAtRest, expectSound, lastRun, rowOf, versionsOf, watermarks } from './invariants.ts'

/** What happens before a page is asked for: a page number from 1, over all entities. Null after a test's own part. */
type BeforePage = ((page: number, entity: string) => void | Promise<void>) | null

describe('a complete listing', () => {
  let mirror: TestMirror
  let books: Books
  let pages = 0
  let beforePage: BeforePage = null

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  describe('of many pages, cut off in the middle', () => {
    beforeEach(() => start(7_400))

    test('is gone on with from the page that was not taken', async () => {
      dieAt(6)
      expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
      const taken = queries()
      const done = mirror.clock.now().toISOString()
      expect(await watermarks(mirror)).toEqual({
        vendor: done,
        customer: done,
        balance: done,
        bill: null,
        invoice: null,
      })
      beforePage = null
      mirror.sandbox.calls.clear()
      expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
      expect(queries().filter((query) => taken.includes(query))).toEqual([])
      expect(await doubled()).toEqual([])
      await expectAtRest(mirror)
    })

    test('sets the watermark of the run that began it', async () => {
      mirror.clock.move({ minutes: 1 })
      const begun = mirror.clock.now().toISOString()
      dieAt(6)
      await mirror.ask()
      await mirror.run()
      beforePage = null
      mirror.clock.move({ minutes: 30 })
      await mirror.sync()
      expect(new Set(Object.values(await watermarks(mirror)))).toEqual(
        new Set([begun, mirror.clock.now().toISOString()]),
      )
      expect(await watermarks(mirror)).toMatchObject({ bill: begun })
      await mirror.sync()
      mirror.clock.move({ minutes: 15 })
      await expectAtRest(mirror)
    })

    test('takes what changed on the pages of before when it is gone on with', async () => {
      dieAt(6)
      await mirror.sync()
      beforePage = null
      mirror.clock.move({ minutes: 20 })
      const [edited, deleted] = books.records('Bill')
      books.editBill(edited!.Id, { privateNote: 'after its page' })
      books.deleteTxn('Bill', deleted!.Id)
      await mirror.sync()
      await mirror.sync()
      expect(await rowOf(mirror, 'bills', deleted!.Id)).toMatchObject({ deleted_at: expect.any(Date) })
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })

    test('is closed as abandoned and asked for again when the process is stopped', async () => {
      const stop = new AbortController()
      beforePage = (page) => {
        if (page === 6) stop.abort()
      }
      await mirror.ask()
      expect(await mirror.run(REALM, stop.signal)).toMatchObject({ kind: 'abandoned' })
      expect(await lastRun(mirror)).toMatchObject({ status: 'abandoned', changed: true })
      const taken = queries()
      mirror.sandbox.calls.clear()
      beforePage = null
      // The stop asked for the company again, which is later than what was listed before it.
      expect(await mirror.run()).toMatchObject({ kind: 'finished', askedAgain: true })
      expect(await lastRun(mirror)).toMatchObject({ trigger: 'recovery', mode: 'full' })
      // The page under way when the stop came was cut off and is asked for again; no other is.
      expect(queries().filter((query) => taken.slice(0, -1).includes(query))).toEqual([])
      mirror.clock.move({ minutes: 15 })
      await expectAtRest(mirror)
    })

    test('starts over for a full run that is asked for later', async () => {
      dieAt(6)
      await mirror.sync()
      const taken = queries()
      beforePage = null
      mirror.sandbox.calls.clear()
      await mirror.sync(REALM, { mode: 'full' })
      expect(taken.filter((query) => !queries().includes(query))).toEqual([])
      await expectAtRest(mirror)
    })

    test('starts over when it was begun more than a day ago', async () => {
      dieAt(6)
      await mirror.sync()
      const taken = queries()
      beforePage = null
      mirror.sandbox.calls.clear()
      mirror.clock.move({ hours: 24 })
      await mirror.sync()
      const ofBills = taken.filter((query) => /from bill/i.test(query))
      expect(ofBills.length).toBeGreaterThan(1)
      expect(ofBills.filter((query) => !queries().includes(query))).toEqual([])
      await expectAtRest(mirror)
    })

    test('shows a delete once it is finished by another run, though unchanged rows say nothing of it', async () => {
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      const gone = books.records('Bill').slice(0, 5)
      for (const { Id } of gone) books.vanish('Bill', Id)
      pages = 0
      dieAt(6)
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'partial' })
      beforePage = null
      expect(await mirror.sync()).toMatchObject({ kind: 'finished' })
      expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 5 })
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })
  })

  test('ends right although records come, change and go while it goes on', async () => {
    await start(7_400)
    let acts = 0
    beforePage = () => {
      mirror.clock.move({ seconds: 7 })
      const bills = books.records('Bill')
      books.editBill(bills[acts * 3]!.Id, { privateNote: `edit ${acts}` })
      books.deleteTxn('Bill', bills[acts * 3 + 1]!.Id)
      books.deleteTxn('Bill', bills.at(-1 - acts)!.Id)
      books.createInvoice({ customerId: '1', amount: '11.00' })
      books.createVendor({ name: `Newcomer ${acts}` })
      acts += 1
    }
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    expect(acts).toBeGreaterThan(8)
    beforePage = null
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    await expectAtRest(mirror)
  })

  test('takes rows that share a second over page borders', async () => {
    await start(40)
    for (let made = 0; made < 2_150; made += 1) books.createBill({ vendorId: '1', amount: '1.00' })
    mirror.clock.move({ seconds: 1 })
    for (let made = 0; made < 20; made += 1) books.createBill({ vendorId: '1', amount: '2.00' })
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('takes them in the end though their order changes from page to page', async () => {
    await start(40)
    for (let made = 0; made < 1_100; made += 1) books.createBill({ vendorId: '1', amount: '1.00' })
    mirror.sandbox.faults.add({ kind: 'scrambleTies' })
    let runs = 1
    while ((await mirror.sync()).kind !== 'finished') runs += 1
    expect(runs).toBeLessThan(4)
    mirror.sandbox.faults.clear()
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('takes pages that hold a row more than was asked for', async () => {
    await start(7_400)
    mirror.sandbox.faults.add({ kind: 'limitPlusOne' })
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    mirror.sandbox.faults.clear()
    await expectAtRest(mirror)
  })

  describe('that ends early', () => {
    test('goes on where QuickBooks counts more records', async () => {
      await start(7_400)
      mirror.sandbox.faults.add({ kind: 'shortPage', entity: 'Bill', times: 1 })
      expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
      await expectAtRest(mirror)
    })

    test('leaves its entity alone without a watermark when it never gets further', async () => {
      await start(400)
      const fault = mirror.sandbox.faults.add({ kind: 'shortPage', entity: 'Bill' })
      expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
      expect((await watermarks(mirror))['bill']).toBeNull()
      expect((await lastReport(mirror)).bill).toMatchObject({
        watermarkTo: null,
        error: { code: 'unavailable', message: expect.stringContaining('bill') },
      })
      expect((await watermarks(mirror))['invoice']).toBe(mirror.clock.now().toISOString())
      mirror.sandbox.faults.remove(fault)
      expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
      await expectAtRest(mirror)
    })
  })

  describe('that does not meet a record', () => {
    test('asks for it by id and believes that it is gone', async () => {
      await start(200)
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      const [gone] = books.records('Bill')
      books.vanish('Bill', gone!.Id)
      mirror.sandbox.calls.clear()
      await mirror.sync(REALM, { mode: 'full' })
      expect(queries().filter((query) => /Id IN/i.test(query))).toEqual([
        expect.stringContaining(`Id IN ('${gone!.Id}')`),
      ])
      expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 1, fetched: expect.any(Number) })
      expect(await versionsOf(mirror, 'bills', gone!.Id)).toMatchObject([
        { deleted_at: null },
        { deleted_at: expect.any(Date), source_valid_from: mirror.clock.now() },
      ])
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })

    test('keeps it when QuickBooks has it after all', async () => {
      await start(200)
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      const [hidden] = books.records('Bill')
      spoil = (page) => ({
        ...page,
        page: { ...page.page, changes: page.page.changes.filter(({ qboId }) => qboId !== hidden!.Id) },
      })
      await mirror.sync(REALM, { mode: 'full' })
      expect(await rowOf(mirror, 'bills', hidden!.Id)).toMatchObject({ deleted_at: null })
      await expectAtRest(mirror)
    })

    test('notices even when another one came, so that the counts are the same', async () => {
      await start(200)
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      const [gone] = books.records('Bill')
      books.vanish('Bill', gone!.Id)
      afterPage = () => {
        afterPage = null
        books.createBill({ vendorId: '1', amount: '3.00' })
      }
      await mirror.sync(REALM, { mode: 'full' })
      expect(await rowOf(mirror, 'bills', gone!.Id)).toMatchObject({ deleted_at: expect.any(Date) })
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })

    test('deletes nothing while QuickBooks counts a record that it does not show', async () => {
      await start(200)
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      const [hidden] = books.records('Bill')
      blind = hidden!.Id
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'partial' })
      expect((await lastReport(mirror)).bill.error).toMatchObject({ code: 'unavailable' })
      expect(await rowOf(mirror, 'bills', hidden!.Id)).toMatchObject({ deleted_at: null })
      blind = null
      expect(await mirror.sync()).toMatchObject({ kind: 'finished' })
      await expectAtRest(mirror)
    })

    test('deletes nothing when most of the records are gone at once', async () => {
      await start(200)
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      const kept = await mirror.rows<{ bills: number }>('SELECT count(*) AS bills FROM bills')
      for (const { Id } of books.records('Bill')) books.vanish('Bill', Id)
      const before = await watermarks(mirror)
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'partial' })
      expect((await lastReport(mirror)).bill.error).toMatchObject({ code: 'mass_disappearance' })
      expect(await mirror.rows('SELECT count(*) AS bills FROM bills WHERE deleted_at IS NULL')).toEqual(kept)
      expect((await watermarks(mirror))['bill']).toBe(before['bill'])
      expect((await watermarks(mirror))['invoice']).not.toBe(before['invoice'])
    })

    test('believes it of most records where QuickBooks tells of each delete', async () => {
      await start(200)
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      for (const { Id } of books.records('Bill')) books.deleteTxn('Bill', Id)
      mirror.clock.move({ minutes: 1 })
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ kind: 'finished' })
      expect(await mirror.rows('SELECT qbo_id FROM bills WHERE deleted_at IS NULL')).toEqual([])
      expect((await lastReport(mirror)).bill).toMatchObject({ drifted: 0 })
      mirror.clock.move({ minutes: 15 })
      await expectAtRest(mirror)
    })

    test('believes it of a few records, though they were all', async () => {
      await start(30)
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      const bills = books.records('Bill')
      expect(bills.length).toBeGreaterThan(3)
      for (const { Id } of bills) books.vanish('Bill', Id)
      await mirror.sync(REALM, { mode: 'full' })
      expect((await lastReport(mirror)).bill).toMatchObject({ deleted: bills.length })
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })
  })

  describe('with a record that QuickBooks cannot serve', () => {
    let poison: string
    let poisoned: string

    beforeEach(async () => {
      await start(200)
      poisoned = books.records('Bill')[20]!.Id
      poison = mirror.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Bill', recordId: poisoned })
    })

    test('rejects it by its place, takes the rest, and moves the watermark', async () => {
      expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
      expect(await openRejects(mirror)).toMatchObject([
        {
          entity: 'bill',
          qboId: null,
          position: expect.stringContaining('CreateTime'),
          code: 'poisoned_page',
        },
      ])
      expect(await mirror.rows('SELECT count(*) AS bills FROM bills')).toEqual([
        { bills: books.records('Bill').length - 1 },
      ])
      expect((await watermarks(mirror))['bill']).toBe(mirror.clock.now().toISOString())
    })

    test('finds what was deleted beside it, though nothing told of that', async () => {
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      const [bill] = books.records('Bill')
      const [invoice] = books.records('Invoice')
      books.vanish('Bill', bill!.Id)
      books.vanish('Invoice', invoice!.Id)
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'partial' })
      expect(await rowOf(mirror, 'bills', bill!.Id)).toMatchObject({ deleted_at: expect.any(Date) })
      expect(await rowOf(mirror, 'invoices', invoice!.Id)).toMatchObject({ deleted_at: expect.any(Date) })
      expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 1 })
      expect(await openRejects(mirror)).toMatchObject([{ qboId: null }])
    })

    test('deletes nothing that QuickBooks counts, though it shows it neither in the listing nor by id', async () => {
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      blind = books.records('Bill')[0]!.Id
      await mirror.sync(REALM, { mode: 'full' })
      expect(await rowOf(mirror, 'bills', blind)).toMatchObject({ deleted_at: null })
    })

    test('takes it, and what was deleted meanwhile, once QuickBooks serves it again', async () => {
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      const [bill] = books.records('Bill')
      books.vanish('Bill', bill!.Id)
      mirror.sandbox.faults.remove(poison)
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'succeeded' })
      expect(await openRejects(mirror)).toEqual([])
      expect(await rowOf(mirror, 'bills', poisoned)).toBeDefined()
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })
  })

  describe('with a record that was mirrored and cannot be served any more', () => {
    let poison: string
    let poisoned: string

    beforeEach(async () => {
      await start(200)
      await mirror.sync()
      mirror.clock.move({ minutes: 30 })
      poisoned = books.records('Bill')[20]!.Id
      poison = mirror.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Bill', recordId: poisoned })
    })

    test('rejects it by its id alone, keeps what it held of it, and finds what was deleted', async () => {
      const gone = books.records('Bill').slice(0, 3)
      for (const { Id } of gone) books.vanish('Bill', Id)
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'partial' })
      expect(await openRejects(mirror)).toMatchObject([
        { qboId: poisoned, position: null, code: 'poisoned_page' },
      ])
      expect(await rowOf(mirror, 'bills', poisoned)).toMatchObject({ deleted_at: null })
      for (const { Id } of gone)
        expect(await rowOf(mirror, 'bills', Id)).toMatchObject({ deleted_at: expect.any(Date) })
    })

    test('knows it by its id again in the next listing', async () => {
      await mirror.sync(REALM, { mode: 'full' })
      mirror.clock.move({ minutes: 30 })
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'partial' })
      expect(await openRejects(mirror)).toMatchObject([{ qboId: poisoned, attempts: 2 }])
    })

    test('does not take a change elsewhere for its mend', async () => {
      await mirror.sync(REALM, { mode: 'full' })
      mirror.clock.move({ minutes: 30 })
      books.createBill({ vendorId: '1', amount: '3.00' })
      await mirror.sync()
      expect(await openRejects(mirror)).toMatchObject([{ qboId: poisoned }])
    })

    test('tells it apart from others that were never mirrored', async () => {
      const { Id: never } = books.createBill({ vendorId: '1', amount: '3.00' })
      mirror.clock.move({ seconds: 1 })
      books.createBill({ vendorId: '1', amount: '3.00' })
      mirror.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Bill', recordId: never })
      const [gone] = books.records('Bill')
      books.vanish('Bill', gone!.Id)
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'partial' })
      expect((await openRejects(mirror)).map(({ qboId }) => qboId).toSorted()).toEqual([poisoned, null])
      expect(await rowOf(mirror, 'bills', gone!.Id)).toMatchObject({ deleted_at: expect.any(Date) })
    })

    test('takes its deletion from a listing too', async () => {
      await mirror.sync(REALM, { mode: 'full' })
      mirror.sandbox.faults.remove(poison)
      books.vanish('Bill', poisoned)
      mirror.clock.move({ minutes: 30 })
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'succeeded' })
      expect(await openRejects(mirror)).toEqual([])
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })
  })

  describe('that met records which were never mirrored and cannot be served', () => {
    let unserved: { readonly id: string; readonly poison: string }[]

    beforeEach(async () => {
      await start(200)
      unserved = [20, 30].map((place) => {
        const id = books.records('Bill')[place]!.Id
        return {
          id,
          poison: mirror.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Bill', recordId: id }),
        }
      })
      expect(await mirror.sync()).toMatchObject({ status: 'partial' })
      expect(await openRejects(mirror)).toMatchObject([{ qboId: null }, { qboId: null }])
      mirror.clock.move({ minutes: 15 })
    })

    test('needs no other for the rejects to end, once changes tell of the records', async () => {
      for (const { id, poison } of unserved) {
        mirror.sandbox.faults.remove(poison)
        books.editBill(id, { privateNote: 'mended' })
      }
      mirror.sandbox.calls.clear()
      expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
      expect(await openRejects(mirror)).toEqual([])
      expect(queries()).toEqual([])
      mirror.clock.move({ minutes: 15 })
      await expectAtRest(mirror)
    })

    test('lists anew to tell which of them is left, once', async () => {
      const [mended] = unserved
      mirror.sandbox.faults.remove(mended!.poison)
      books.editBill(mended!.id, { privateNote: 'mended' })
      expect(await mirror.sync()).toMatchObject({ status: 'partial' })
      expect(await openRejects(mirror)).toMatchObject([{ qboId: null }])
      mirror.sandbox.calls.clear()
      mirror.clock.move({ minutes: 15 })
      books.createBill({ vendorId: '1', amount: '3.00' })
      await mirror.sync()
      expect(queries()).toEqual([])
      expect(await openRejects(mirror)).toMatchObject([{ qboId: null }])
    })

    test('leaves them rejects while other records come', async () => {
      books.createBill({ vendorId: '1', amount: '3.00' })
      await mirror.sync()
      expect(await openRejects(mirror)).toHaveLength(2)
    })

    test('asks nothing of an idle company because of them', async () => {
      mirror.sandbox.calls.clear()
      await mirror.sync()
      expect(mirror.sandbox.calls.meteredCount(REALM)).toBe(1)
    })

    test('ends a reject when QuickBooks tells that the record was deleted', async () => {
      for (const { id, poison } of unserved) {
        mirror.sandbox.faults.remove(poison)
        books.deleteTxn('Bill', id)
      }
      expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
      expect(await openRejects(mirror)).toEqual([])
    })
  })

  test('reports as drift what no change data capture would have told', async () => {
    await start(200)
    await mirror.sync()
    mirror.clock.move({ minutes: 30 })
    const [silent, told] = books.records('Bill')
    books.silentChange('Bill', silent!.Id, { PrivateNote: 'nobody was told' })
    books.editBill(told!.Id, { privateNote: 'told' })
    await mirror.sync(REALM, { mode: 'full' })
    expect((await lastReport(mirror)).bill).toMatchObject({ updated: 2, drifted: 1 })
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    await expectAtRest(mirror)
  })

  let afterPage: (() => void) | null = null
  let blind: string | null = null
  let spoil: ((page: ListingPage) => ListingPage) | null = null

  async function start(records: number): Promise<void> {
    pages = 0
    beforePage = null
    afterPage = null
    blind = null
    spoil = null
    mirror = await startMirror({ companies: [company({ records })], wrapReader: (reader) => watched(reader) })
    books = mirror.sandbox.books(REALM)
  }

  function watched(reader: CompanyReader): CompanyReader {
    return {
      ...reader,
      async listPage(entity, cursor) {
        pages += 1
        await beforePage?.(pages, entity)
        const page = await reader.listPage(entity, cursor)
        if (entity === 'bill') afterPage?.()
        if (blind === null) return spoil?.(page) ?? page
        const changes = page.page.changes.filter(({ qboId }) => qboId !== blind)
        return { ...page, page: { ...page.page, changes } }
      },
      async byIds(entity, ids) {
        const { page, missing } = await reader.byIds(entity, ids)
        const changes = page.changes.filter(({ qboId }) => qboId !== blind)
        return {
          page: { ...page, changes },
          missing: blind !== null && entity === 'bill' && ids.includes(blind) ? [...missing, blind] : missing,
        }
      },
    }
  }

  /** From that page on no answer comes. */
  function dieAt(dead: number): void {
    beforePage = (page) => {
      if (page >= dead) throw new LedgerError('unavailable', 'the connection to QuickBooks failed')
    }
  }

  function queries(): string[] {
    return mirror.sandbox.calls
      .list()
      .flatMap(({ operation, query }) => (operation === 'query' && !/count\(/i.test(query!) ? [query!] : []))
  }

  function doubled(): Promise<unknown[]> {
    return mirror.rows('SELECT qbo_id FROM bills_history UNION ALL SELECT qbo_id FROM invoices_history')
  }
})
