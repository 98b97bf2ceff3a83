import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { confirmDisappearance } from '../../src/connections/confirm-disappearance.ts'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { company, lastReport, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { companyRow, expectAtRest, expectSound, lastRun, rowOf, watermarks } from './invariants.ts'

describe('when most records of an entity are gone at once', () => {
  let mirror: TestMirror
  let books: Books

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  describe('and QuickBooks tells of it, more than one answer holds', () => {
    test('every delete is taken: those that are told, and the rest by a listing', async () => {
      await start(8_000)
      const bills = books.records('Bill')
      expect(bills.length).toBeGreaterThan(1_500)
      const deleted = bills.slice(0, Math.round(bills.length * 0.6))
      expect(deleted.length).toBeGreaterThan(1_000)
      for (const { Id } of deleted) books.deleteTxn('Bill', Id)
      const { Id: invoice } = books.createInvoice({ customerId: '1', amount: '9.00' })
      mirror.clock.move({ minutes: 1 })
      expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
      expect((await lastReport(mirror)).bill).toMatchObject({ deleted: deleted.length })
      expect(await rowOf(mirror, 'invoices', invoice)).toBeDefined()
      expect(await dumpMirror(mirror)).toEqual(expectedMirror(mirror))
      mirror.clock.move({ minutes: 10 })
      await mirror.sync()
      await expectAtRest(mirror)
    })
  })

  describe('and nothing tells of it', () => {
    let gone: string[]
    let held: number

    beforeEach(async () => {
      await start(300)
      const bills = books.records('Bill')
      held = bills.length
      gone = bills.slice(0, Math.round(held * 0.7)).map(({ Id }) => Id)
      expect(gone.length).toBeGreaterThan(20)
      for (const Id of gone) books.vanish('Bill', Id)
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({
        kind: 'finished',
        status: 'partial',
      })
    })

    test('nothing of it is deleted, and the doubt is kept for a person', async () => {
      expect(await live()).toBe(held)
      expect(await doubts()).toMatchObject([
        {
          entity: 'bill',
          missing: gone.length,
          held,
          since: mirror.clock.now(),
          confirmed_at: null,
          sync_run_id: (await lastRun(mirror))['id'],
        },
      ])
      expect((await lastReport(mirror)).bill.error).toMatchObject({ code: 'mass_disappearance' })
    })

    test('what is new and changed of it is taken in every later run, by one call, and all else is complete', async () => {
      const before = (await watermarks(mirror))['bill']
      for (let run = 0; run < 3; run += 1) {
        mirror.clock.move({ minutes: 15 })
        const { Id: bill } = books.createBill({ vendorId: '1', amount: '3.00' })
        const { Id: invoice } = books.createInvoice({ customerId: '1', amount: '3.00' })
        const [edited, told] = books.records('Bill').slice(-8)
        books.editBill(edited!.Id, { privateNote: `edit ${run}` })
        books.deleteTxn('Bill', told!.Id)
        await scheduled()
        expect(await lastRun(mirror)).toMatchObject({ status: 'partial', metered_calls: 1 })
        expect(await rowOf(mirror, 'bills', bill)).toBeDefined()
        expect(await rowOf(mirror, 'bills', edited!.Id)).toMatchObject({ private_note: `edit ${run}` })
        expect(await rowOf(mirror, 'bills', told!.Id)).toMatchObject({ deleted_at: expect.any(Date) })
        expect(await rowOf(mirror, 'invoices', invoice)).toBeDefined()
        expect(await watermarks(mirror)).toMatchObject({
          bill: before,
          invoice: mirror.clock.now().toISOString(),
        })
      }
    })

    test('change data capture is asked from where it was taken, also when that is past its window', async () => {
      for (let day = 0; day < 40; day += 10) {
        mirror.clock.move({ days: 10 })
        await scheduled()
      }
      mirror.clock.move({ minutes: 15 })
      await scheduled()
      expect(await lastRun(mirror)).toMatchObject({
        mode: 'incremental',
        metered_calls: 1,
        status: 'partial',
      })
      expect((await watermarks(mirror))['invoice']).toBe(mirror.clock.now().toISOString())
    })

    test('it is looked at again once a day', async () => {
      for (let hours = 0; hours < 23; hours += 1) {
        mirror.clock.move({ hours: 1 })
        await scheduled()
        expect(await lastRun(mirror)).toMatchObject({ metered_calls: 1 })
      }
      mirror.clock.move({ hours: 1 })
      await scheduled()
      expect((await lastRun(mirror))['metered_calls']).toBeGreaterThan(1)
      expect(await failures()).toBe(2)
    })

    test('it is over when the records are back', async () => {
      const back = await putBack()
      expect(back).toBeGreaterThan(20)
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'succeeded' })
      expect(await doubts()).toEqual([])
      expect(await live()).toBe(held)
    })

    test('a person who confirms it has it deleted by the next run', async () => {
      await confirm()
      expect(await doubts()).toMatchObject([{ confirmed_at: mirror.clock.now() }])
      mirror.clock.move({ minutes: 1 })
      expect(await mirror.run()).toMatchObject({ kind: 'finished', status: 'succeeded' })
      expect(await lastRun(mirror)).toMatchObject({ mode: 'full', trigger: 'manual' })
      expect((await lastReport(mirror)).bill).toMatchObject({ deleted: gone.length })
      expect(await doubts()).toEqual([])
      mirror.clock.move({ minutes: 15 })
      await mirror.sync()
      await expectAtRest(mirror)
    })

    test('a confirmation reaches a few more than it named, and no further', async () => {
      await confirm()
      const rest = books.records('Bill')
      expect(rest.length).toBeGreaterThan(21)
      for (const { Id } of rest.slice(0, 21)) books.vanish('Bill', Id)
      expect(await mirror.run()).toMatchObject({ status: 'partial' })
      expect(await live()).toBe(held)
      expect(await doubts()).toMatchObject([{ missing: gone.length + 21, confirmed_at: null }])
    })

    test('a confirmation is used once', async () => {
      await confirm()
      await mirror.run()
      const more = books.records('Bill')
      expect(more.length).toBeGreaterThan(21)
      for (const { Id } of more) books.vanish('Bill', Id)
      mirror.clock.move({ minutes: 30 })
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'partial' })
      expect(await live()).toBe(more.length)
    })

    test('there is nothing to confirm of another entity', async () => {
      await expect(
        mirror.database.transaction((tx) => confirmDisappearance(tx, REALM, 'invoice', BY)),
      ).rejects.toMatchObject({ code: 'not_found' })
      expect(await mirror.rows('SELECT * FROM company_events')).toEqual([])
    })

    /** As if somebody restored them from a copy. */
    async function putBack(): Promise<number> {
      const rows = await mirror.rows<{ raw: string; qboId: string }>(
        'SELECT raw::text AS raw, qbo_id AS "qboId" FROM bills WHERE deleted_at IS NULL',
      )
      const back = rows.filter(({ qboId }) => gone.includes(qboId))
      for (const { raw } of back) books.putText('Bill', raw)
      return back.length
    }
  })

  test('of the company, each entity says so, and the company itself has not failed', async () => {
    await start(300)
    for (const type of ['Bill', 'Invoice', 'Vendor', 'Customer', 'Account'] as const) {
      for (const { Id } of books.records(type)) books.vanish(type, Id)
    }
    const before = await dumpMirror(mirror)
    expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ kind: 'finished', status: 'partial' })
    expect(await dumpMirror(mirror)).toEqual(before)
    expect(await doubts()).toHaveLength(5)
    expect(await companyRow(mirror)).toMatchObject({ failures_in_a_row: 0, not_before: null })
  })

  const BY = { actor: 'admin token', requestId: 'r-1' }

  async function start(records: number): Promise<void> {
    mirror = await startMirror({ companies: [company({ records })] })
    books = mirror.sandbox.books(REALM)
    await mirror.sync()
    mirror.clock.move({ minutes: 30 })
  }

  async function confirm(): Promise<void> {
    await mirror.database.transaction((tx) => confirmDisappearance(tx, REALM, 'bill', BY))
    expect(await mirror.rows('SELECT kind, actor, detail, request_id FROM company_events')).toMatchObject([
      {
        kind: 'disappearance_confirmed',
        actor: 'admin token',
        detail: { entity: 'bill' },
        request_id: 'r-1',
      },
    ])
  }

  async function scheduled(): Promise<void> {
    await mirror.ask(REALM, { trigger: 'schedule' })
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
  }

  async function live(): Promise<number> {
    const [row] = await mirror.rows<{ bills: number }>(
      'SELECT count(*) AS bills FROM bills WHERE deleted_at IS NULL',
    )
    return row!.bills
  }

  async function failures(): Promise<number> {
    const [row] = await mirror.rows<{ total: number }>(
      `SELECT total FROM metric_totals_now()
        WHERE metric = 'ledger_sync_failures_total' AND labels ->> 'code' = 'mass_disappearance'`,
    )
    return row!.total
  }

  function doubts(): Promise<Record<string, unknown>[]> {
    return mirror.rows('SELECT * FROM disappearances ORDER BY entity')
  }
})
