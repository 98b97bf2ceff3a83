import { afterEach, describe, expect, test } from '@jest/globals'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { company, lastReport, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { expectAtRest, expectSound, lastRun, watermarks } from './invariants.ts'

describe('more changes than change data capture tells', () => {
  let mirror: TestMirror
  let books: Books

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('of several entities, with deletes between them, are all taken', async () => {
    await start(4_500)
    change('Bill', 850)
    change('Invoice', 810)
    remove('Bill', 25)
    remove('Invoice', 15)
    await expectOk()
    expect(await dumpMirror(mirror)).toEqual(expectedMirror(mirror))
    const report = await lastReport(mirror)
    expect([report.bill.deleted, report.invoice.deleted]).toEqual([25, 15])
    expect(await lastRun(mirror)).toMatchObject({ mode: 'incremental' })
    await rest()
  })

  test('are asked for entity by entity, and cost a listing of changes only where one alone is too much', async () => {
    await start(4_500)
    change('Bill', 600)
    change('Invoice', 600)
    mirror.sandbox.calls.clear()
    await expectOk()
    const operations = mirror.sandbox.calls.list().map(({ operation }) => operation)
    expect(operations.filter((operation) => operation !== 'token')).toEqual(Array(6).fill('cdc'))
    await rest()
  })

  test('of one entity are listed by their changes, and without a delete nothing else is read', async () => {
    await start(4_500)
    change('Bill', 1_000)
    mirror.sandbox.calls.clear()
    await expectOk()
    expect(queries()).toEqual([
      expect.stringMatching(/from bill.*LastUpdatedTime >=/i),
      expect.stringMatching(/from bill.*LastUpdatedTime >=/i),
      // All 1,000 share a second: the part of them that is read again.
      expect.stringMatching(/from bill.*LastUpdatedTime >=.*STARTPOSITION 901/i),
      expect.stringMatching(/count\(\*\) from bill/i),
    ])
    await rest()
  })

  test('of one entity with deletes that no answer told are found by a complete listing', async () => {
    await start(4_500)
    remove('Bill', 40)
    change('Bill', 1_050)
    await expectOk()
    expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 40 })
    expect(queries().some((query) => /from bill.*CreateTime/i.test(query))).toBe(true)
    await rest()
  })

  test('move no watermark of an entity of which not all of them are taken', async () => {
    await start(4_500)
    change('Bill', 1_050)
    const before = await watermarks(mirror)
    const fault = mirror.sandbox.faults.add({
      kind: 'unavailable503Html',
      operation: 'query',
      entity: 'Bill',
    })
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
    expect((await watermarks(mirror))['bill']).toBe(before['bill'])
    const report = await lastReport(mirror)
    expect(report.bill).toMatchObject({ watermarkTo: before['bill'], error: { code: 'unavailable' } })
    expect(report.vendor).toMatchObject({ watermarkTo: mirror.clock.now().toISOString(), error: null })
    mirror.sandbox.faults.remove(fault)
    await expectOk()
    await rest()
  })

  test('set a watermark of the moment for which the answer spoke, not of the end of the run', async () => {
    let acting = true
    await start(4_500, () => {
      if (acting) mirror.clock.move({ seconds: 40 })
    })
    change('Bill', 1_050)
    mirror.clock.move({ minutes: 1 })
    const asked = mirror.clock.now()
    await mirror.ask()
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
    acting = false
    expect(mirror.clock.now().getTime() - asked.getTime()).toBeGreaterThanOrEqual(80_000)
    expect((await watermarks(mirror))['bill']).toBe(asked.toISOString())
    await rest()
  })

  /** A company that was mirrored half an hour ago. */
  async function start(records: number, beforePage: () => void = () => undefined): Promise<void> {
    let listed = false
    mirror = await startMirror({
      companies: [company({ records })],
      wrapReader: (reader) => ({
        ...reader,
        listPage: (...asked) => {
          if (listed) beforePage()
          return reader.listPage(...asked)
        },
      }),
    })
    books = mirror.sandbox.books(REALM)
    await expectOk()
    listed = true
    mirror.clock.move({ minutes: 30 })
  }

  async function expectOk(): Promise<void> {
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
  }

  async function rest(): Promise<void> {
    // Once more while the overlap still shows it all, then past it.
    mirror.clock.move({ minutes: 6 })
    await expectOk()
    await expectAtRest(mirror)
  }

  function change(type: 'Bill' | 'Invoice', count: number): void {
    books
      .records(type)
      .slice(0, count)
      .forEach(({ Id }, index) => {
        if (index % 3 === 0) books.silentChange(type, Id, { PrivateNote: `note ${index}` })
        books.touch(type, Id)
      })
  }

  function remove(type: 'Bill' | 'Invoice', count: number): void {
    const untouched = books.records(type).slice(-count)
    for (const { Id } of untouched) books.deleteTxn(type, Id)
  }

  function queries(): string[] {
    return mirror.sandbox.calls
      .list()
      .flatMap(({ operation, query }) => (operation === 'query' ? [query!] : []))
  }
})

describe('a company that was silent for long', () => {
  let mirror: TestMirror

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('is listed completely after 45 days, with what was edited and deleted meanwhile', async () => {
    mirror = await startMirror({ companies: [company({ records: 300 })] })
    await mirror.sync()
    liveOn(mirror.sandbox.books(REALM))
    mirror.clock.move({ days: 45 })
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    expect(await lastRun(mirror)).toMatchObject({ mode: 'full' })
    expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 3 })
    expect(mirror.sandbox.calls.list().filter(({ operation }) => operation === 'cdc')).toEqual([])
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('is listed in the same run when change data capture refuses the time that is asked for', async () => {
    let refusing = true
    mirror = await startMirror({
      companies: [company({ records: 300 })],
      wrapReader: (reader) => ({
        ...reader,
        // As by a QuickBooks whose clock is two days ahead of ours.
        changes: (entities, since) =>
          reader.changes(entities, new Date(since.getTime() - (refusing ? 2 * 86_400_000 : 0))),
      }),
    })
    await mirror.sync()
    liveOn(mirror.sandbox.books(REALM))
    mirror.clock.move({ days: 27, hours: 23 })
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    expect(await lastRun(mirror)).toMatchObject({ mode: 'full' })
    expect(mirror.sandbox.calls.list().filter(({ operation }) => operation === 'cdc')).toHaveLength(1)
    refusing = false
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  function liveOn(books: ReturnType<TestMirror['sandbox']['books']>): void {
    mirror.clock.move({ days: 1 })
    const bills = books.records('Bill')
    for (const { Id } of bills.slice(0, 3)) books.deleteTxn('Bill', Id)
    for (const { Id } of bills.slice(3, 9)) books.editBill(Id, { privateNote: 'while nobody looked' })
    books.createInvoice({ customerId: '1', amount: '77.00' })
    const { Id } = books.createVendor({ name: 'Fir & Sons' })
    books.inactivate('Vendor', Id)
  }
})
