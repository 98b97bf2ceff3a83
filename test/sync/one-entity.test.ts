import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Books, FaultSpec } from '../../src/sandbox/sandbox.ts'
import { company, lastReport, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { companyRow, expectAtRest, expectSound, lastRun, watermarks } from './invariants.ts'

const BROKEN: FaultSpec = { kind: 'unavailable503Html', realmId: REALM, entity: 'Bill' }

describe('an entity that cannot be read', () => {
  let mirror: TestMirror
  let books: Books

  beforeEach(async () => {
    mirror = await startMirror({ companies: [company({ records: 120 })] })
    books = mirror.sandbox.books(REALM)
  })

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  describe('in the first run of a company', () => {
    let broken: string

    beforeEach(async () => {
      broken = mirror.sandbox.faults.add({ ...BROKEN, operation: 'query' })
      expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial', askedAgain: false })
    })

    test('keeps none of the others out', async () => {
      const done = mirror.clock.now().toISOString()
      expect(await watermarks(mirror)).toEqual({
        vendor: done,
        customer: done,
        balance: done,
        bill: null,
        invoice: done,
      })
      const invoices = await mirror.rows('SELECT qbo_id FROM invoices')
      expect(invoices).toHaveLength(books.records('Invoice').length)
    })

    test('is told with its error in the run, the entity and the metrics; the company did not succeed', async () => {
      expect((await lastReport(mirror)).bill).toMatchObject({
        watermarkFrom: null,
        watermarkTo: null,
        error: { code: 'unavailable', message: expect.stringContaining('503') },
      })
      expect((await lastReport(mirror)).invoice.error).toBeNull()
      expect(await lastRun(mirror)).toMatchObject({
        error_code: 'unavailable',
        error_message: expect.stringMatching(/^bill: /),
      })
      expect(await trouble()).toMatchObject({ error_code: 'unavailable', error_failures: 1, owes: 'listing' })
      expect(
        await mirror.rows(`SELECT * FROM metric_totals_now() WHERE metric LIKE '%failures%'`),
      ).toHaveLength(2)
      expect(await companyRow(mirror)).toMatchObject({
        last_success_at: null,
        last_served_at: mirror.clock.now(),
        failures_in_a_row: 0,
      })
    })

    test('is not asked for by the schedule before its wait is over, which doubles up to a day', async () => {
      const waits: number[] = []
      for (let attempt = 0; attempt < 9; attempt += 1) {
        const { not_before: until } = await trouble()
        const waitSeconds = ((until as Date).getTime() - mirror.clock.now().getTime()) / 1000
        waits.push(waitSeconds)
        await scheduled()
        expect(billQueries()).toEqual([])
        expect(await lastRun(mirror)).toMatchObject({ status: 'partial', metered_calls: 1, error_code: null })
        expect((await lastReport(mirror)).bill.error).toMatchObject({ code: 'unavailable' })
        mirror.clock.move({ seconds: waitSeconds })
        await scheduled()
        expect(billQueries().length).toBeGreaterThan(0)
      }
      const halfInterval = 450 * 0.95
      expect(waits.slice(0, 3)).toEqual([halfInterval, halfInterval * 2, halfInterval * 4])
      expect(waits.at(-1)).toBe(86_400 * 0.95)
    })

    test('is asked for at once for a person, whoever else asks after them', async () => {
      await mirror.ask(REALM, { trigger: 'manual' })
      await mirror.ask(REALM, { trigger: 'webhook' })
      mirror.sandbox.calls.clear()
      await mirror.run()
      expect(billQueries().length).toBeGreaterThan(0)
      // Once: nobody asked since.
      mirror.sandbox.calls.clear()
      await scheduled()
      expect(billQueries()).toEqual([])
    })

    test('is taken when it can be read, and nothing of its error stays', async () => {
      mirror.sandbox.faults.remove(broken)
      mirror.clock.move({ minutes: 15 })
      await scheduled()
      expect(await lastRun(mirror)).toMatchObject({ status: 'succeeded' })
      expect(await trouble()).toMatchObject({
        error_code: null,
        error_failures: 0,
        not_before: null,
        owes: null,
      })
      expect(await companyRow(mirror)).toMatchObject({ last_success_at: mirror.clock.now() })
      mirror.clock.move({ minutes: 15 })
      await expectAtRest(mirror)
    })

    test('ends no run in a loop: what was asked for is served, and the entity owes the rest', async () => {
      const { requested_seq: requested, served_seq: served } = await companyRow(mirror)
      expect(served).toBe(requested)
      expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'not_asked' })
    })
  })

  describe('by change data capture', () => {
    let broken: string

    beforeEach(async () => {
      await mirror.sync()
      mirror.clock.move({ minutes: 15 })
      books.createInvoice({ customerId: '1', amount: '3.00' })
      books.createBill({ vendorId: '1', amount: '3.00' })
      broken = mirror.sandbox.faults.add(BROKEN)
      // A first failure may be QuickBooks' own and pass.
      await scheduled()
      expect(await lastRun(mirror)).toMatchObject({ status: 'failed' })
      mirror.clock.move({ minutes: 1 })
      await scheduled()
    })

    test('stands still alone, from the second run on', async () => {
      expect(await lastRun(mirror)).toMatchObject({ status: 'partial' })
      const marks = await watermarks(mirror)
      expect(marks['invoice']).toBe(mirror.clock.now().toISOString())
      expect(marks['bill']).not.toBe(marks['invoice'])
      expect(await trouble()).toMatchObject({ error_code: 'unavailable', owes: 'capture' })
    })

    test('does not break the call for the others while it waits', async () => {
      mirror.clock.move({ minutes: 5 })
      mirror.sandbox.calls.clear()
      await scheduled()
      expect(await lastRun(mirror)).toMatchObject({ status: 'partial', metered_calls: 1 })
      expect((await watermarks(mirror))['invoice']).toBe(mirror.clock.now().toISOString())
    })

    test('is taken with all that changed meanwhile when it can be read', async () => {
      const [edited, deleted] = books.records('Bill')
      books.editBill(edited!.Id, { privateNote: 'meanwhile' })
      books.deleteTxn('Bill', deleted!.Id)
      mirror.sandbox.faults.remove(broken)
      mirror.clock.move({ minutes: 15 })
      await scheduled()
      expect(await lastRun(mirror)).toMatchObject({ status: 'succeeded', metered_calls: 2 })
      mirror.clock.move({ minutes: 15 })
      await expectAtRest(mirror)
    })

    test('is listed when its wait took longer than change data capture reaches back', async () => {
      for (let day = 0; day < 31; day += 1) {
        mirror.clock.move({ days: 1 })
        await scheduled()
      }
      expect(await lastRun(mirror)).toMatchObject({ mode: 'incremental', status: 'partial' })
      const [deleted] = books.records('Bill')
      books.deleteTxn('Bill', deleted!.Id)
      mirror.sandbox.faults.remove(broken)
      mirror.clock.move({ days: 1 })
      await scheduled()
      expect(await lastRun(mirror)).toMatchObject({ mode: 'incremental', status: 'succeeded' })
      mirror.clock.move({ minutes: 15 })
      await expectAtRest(mirror)
    })
  })

  test('in an answer for all of them is left out of it', async () => {
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    books.createInvoice({ customerId: '1', amount: '3.00' })
    mirror.sandbox.faults.add({ kind: 'groupFault', realmId: REALM, entity: 'Bill', operation: 'cdc' })
    expect(await mirror.sync()).toMatchObject({ kind: 'failed', error: { code: 'unavailable' } })
    // Listed by its changes, which QuickBooks can tell: nothing is missing.
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    mirror.sandbox.faults.clear()
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('is one of two that stay so, and the others are read all the same', async () => {
    for (const entity of ['Vendor', 'Customer']) {
      mirror.sandbox.faults.add({ ...BROKEN, entity, operation: 'query' })
    }
    expect(await mirror.sync()).toMatchObject({ kind: 'failed', error: { code: 'unavailable' } })
    let outcome = await mirror.sync()
    if (outcome.kind === 'failed') outcome = await mirror.sync()
    expect(outcome).toMatchObject({ kind: 'finished', status: 'partial' })
    const marks = await watermarks(mirror)
    expect([marks['bill'], marks['invoice'], marks['balance']]).not.toContain(null)
    expect([marks['vendor'] ?? null, marks['customer'] ?? null]).toEqual([null, null])
  })

  test('fails the run with the others where QuickBooks is down, after a few calls', async () => {
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    mirror.sandbox.faults.add({ kind: 'unavailable503Html', realmId: REALM })
    for (const _ of [1, 2, 3]) {
      mirror.sandbox.calls.clear()
      expect(await mirror.sync()).toMatchObject({ kind: 'failed', error: { code: 'unavailable' } })
      expect(mirror.sandbox.calls.list().length).toBeLessThan(4)
    }
    expect(await mirror.rows('SELECT entity FROM sync_states WHERE error_code IS NOT NULL')).toEqual([])
  })

  test('is no entity’s own trouble when the process is stopped', async () => {
    const stop = new AbortController()
    mirror.sandbox.faults.add({ kind: 'hang', realmId: REALM, entity: 'Bill' })
    await mirror.ask()
    const running = mirror.run(REALM, stop.signal)
    await until(() => mirror.sandbox.calls.list().some(({ entity }) => /bill/i.test(entity ?? '')))
    stop.abort()
    expect(await running).toMatchObject({ kind: 'abandoned' })
    expect(await mirror.rows('SELECT entity FROM sync_states WHERE error_code IS NOT NULL')).toEqual([])
  })

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
  }

  /** A run that nobody asked for. */
  async function scheduled(): Promise<void> {
    mirror.sandbox.calls.clear()
    await mirror.ask(REALM, { trigger: 'schedule' })
    await mirror.run()
  }

  async function trouble(entity = 'bill'): Promise<Record<string, unknown>> {
    const [row] = await mirror.rows(`SELECT * FROM sync_states WHERE entity = :entity`, { entity })
    return row!
  }

  function billQueries(): string[] {
    return mirror.sandbox.calls
      .list()
      .flatMap(({ operation, query }) => (operation === 'query' && /from bill/i.test(query!) ? [query!] : []))
  }
})
