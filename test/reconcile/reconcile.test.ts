import { afterEach, describe, expect, test } from '@jest/globals'
import { createLog } from '../../src/log.ts'
import { tick } from '../../src/jobs/tick.ts'
import { performSync } from '../../src/jobs/perform-sync.ts'
import { pauseCalls } from '../../src/connections/service-state.ts'
import { runCompany, type ReaderAccess } from '../../src/sync/run-company.ts'
import type { CompanyReader } from '../../src/quickbooks/quickbooks.ts'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import {
  company,
  INTERVAL_SECONDS,
  lastReport,
  REALM,
  startMirror,
  type TestMirror,
} from '../setup/mirror.ts'
import { companyRow, expectAtRest, expectSound, lastRun, rowOf } from '../sync/invariants.ts'

const DAYS = 7

describe('a company that nobody asks about', () => {
  let mirror: TestMirror
  let books: Books
  let wrapReader: ((reader: CompanyReader, access: ReaderAccess) => CompanyReader) | null = null
  let warned: { message: string; [key: string]: unknown }[] = []

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
    wrapReader = null
  })

  test('is as QuickBooks has it again within a week and a night, and its drift is counted once', async () => {
    await start()
    const [amount, gone] = books.records('Bill').map(({ Id }) => Id)
    const [loser] = books.records('Bill').map(({ VendorRef }) => (VendorRef as Ref).value)
    const survivor = books.createVendor({ name: 'Northwind Paper' }).Id
    await beats(30)
    const [zero] = books.records('Invoice')
    const moved = books.records('Bill').filter(({ VendorRef }) => (VendorRef as Ref).value === loser).length
    books.silentChange('Bill', amount!, { TotalAmt: 77.77, Balance: 77.77 })
    books.silentChange('Invoice', zero!.Id, { Balance: 77.77 })
    books.vanish('Bill', gone!)
    const drifted = movedByMerge(loser!, gone!, amount!)
    books.merge('Vendor', survivor, loser!, { silent: true })
    // Vanishing moves accounts and the vendor, which change data capture tells of.
    await beats(60)
    expect(moved).toBeGreaterThan(0)
    expect(await dumpMirror(mirror)).not.toEqual(expectedMirror(mirror))

    const runs = await beatsUntilReconciled()
    expect(runs).toBe(1)
    expect(await dumpMirror(mirror)).toEqual(expectedMirror(mirror))
    expect(await lastReconcile()).toMatchObject({
      bill: { drifted: drifted + 2, drift: { different: drifted + 1, extra: 1 } },
      vendor: { drifted: 1, drift: { extra: 1 } },
      invoice: { drifted: 1, drift: { different: 1 } },
    })
    expect(await totals()).toEqual({
      'bill different': drifted + 1,
      'bill extra': 1,
      'invoice different': 1,
      'vendor extra': 1,
    })
    expect(warned).toEqual([
      expect.objectContaining({
        message: 'drift found',
        realmId: REALM,
        trigger: 'reconcile',
        drift: expect.objectContaining({
          invoice: { different: 1, ids: [zero!.Id] },
          vendor: { extra: 1, ids: [loser] },
        }),
      }),
    ])

    // The next round finds nothing.
    mirror.clock.move({ days: DAYS - 1 })
    await beatsUntilReconciled()
    expect(await totals()).toMatchObject({ 'bill extra': 1, 'invoice different': 1 })
    expect(warned).toHaveLength(1)
    await expectAtRest(mirror)
  }, 120_000)

  test('counts as drift a record that was never shown, and none that was told, rejected or deleted openly', async () => {
    await start()
    const [told, deleted] = books.records('Bill').map(({ Id }) => Id)
    const hidden = books.createBill({ vendorId: '1', amount: '5.00' })
    await beats(30)
    // As if change data capture had never told of it.
    await mirror.rows('ALTER TABLE bills DISABLE TRIGGER USER')
    await mirror.rows(`DELETE FROM bills WHERE qbo_id = '${hidden.Id}'`)
    await mirror.rows('ALTER TABLE bills ENABLE TRIGGER USER')
    const bad = books.createBill({ vendorId: '1', amount: '6.00' })
    books.silentChange('Bill', bad.Id, { TotalAmt: 'many' })
    await beats(30)
    books.silentChange('Bill', bad.Id, { TotalAmt: 6 })
    await mirror.rows(`UPDATE sync_rejects SET retry_at = '2030-01-01'`)
    mirror.clock.move({ days: 6 })
    books.editBill(told!, { privateNote: 'told' })
    books.deleteTxn('Bill', deleted!)
    await beatsUntilReconciled()
    expect((await lastReconcile())['bill']).toMatchObject({ drifted: 1, drift: { missing: 1 } })
    expect(await totals()).toEqual({ 'bill missing': 1 })
    await expectAtRest(mirror)
  }, 120_000)

  test('is listed with the fewest calls: what was told, then a page and a count of each list', async () => {
    await start()
    await toNight()
    mirror.sandbox.calls.clear()
    await beat()
    expect(await lastRun(mirror)).toMatchObject({ trigger: 'reconcile', mode: 'full', metered_calls: 11 })
    const asked = mirror.sandbox.calls.list().filter(({ metered }) => metered)
    expect(asked.map(({ operation }) => operation)).toEqual(['cdc', ...Array(10).fill('query')])
    await expectAtRest(mirror)
  })

  test('is not listed again in the same round, also where a person had it listed', async () => {
    await start()
    await toNight()
    await mirror.sync(REALM, { mode: 'full' })
    const before = (await companyRow(mirror))['last_reconciled_at']
    expect(before).toEqual(mirror.clock.now())
    expect(await beats(60)).toBe(0)
    expect((await companyRow(mirror))['last_reconciled_at']).toEqual(before)
    expect((await lastRun(mirror))['trigger']).not.toBe('reconcile')
  })

  test.each([
    'calls are paused',
    'the budget is spent',
    'it is paused',
    'a listing is under way',
    'it is off',
  ])('is left alone while %s', async (why) => {
    await start()
    await toNight()
    let settings = {}
    const at = new Date(mirror.clock.now().getTime() + 86_400_000)
    if (why === 'calls are paused') {
      await mirror.database.transaction((tx) =>
        pauseCalls(tx, { until: at, code: 'throttled', reason: 'too many' }),
      )
    }
    if (why === 'the budget is spent') settings = { monthlyCallBudget: 1 }
    if (why === 'it is paused') await mirror.rows(`UPDATE companies SET status = 'paused'`)
    if (why === 'a listing is under way') {
      await mirror.rows(`UPDATE sync_states SET listing = '{}' WHERE entity = 'bill'`)
    }
    if (why === 'it is off') settings = { reconcileDays: null }
    await ask(settings)
    expect(await companyRow(mirror)).toMatchObject({
      reconcile_asked_at: null,
      requested_mode: 'incremental',
    })
    await mirror.rows('UPDATE sync_states SET listing = NULL')
  })

  test('takes changes while its listing cannot be borne out, and is settled once it can', async () => {
    wrapReader = (reader) => ({
      ...reader,
      count: () => Promise.resolve({ observedAt: mirror.clock.now(), count: 10_000 }),
    })
    await start()
    await toNight()
    const { Id } = books.createBill({ vendorId: '1', amount: '9.00' })
    await beats(40)
    expect(await companyRow(mirror)).toMatchObject({ requested_mode: 'incremental', failures_in_a_row: 0 })
    expect(await owingListings()).toHaveLength(5)
    expect(await rowOf(mirror, 'bills', Id)).toBeDefined()
    wrapReader = null
    await mirror.ask(REALM, { mode: 'full' })
    await beats(2)
    expect(await owingListings()).toEqual([])
    expect((await lastReport(mirror)).bill).toMatchObject({ deleted: 0 })
    await expectAtRest(mirror)
  }, 120_000)

  test('keeps its records, and takes every other change, when most of them seem to be gone', async () => {
    await start(200)
    await toNight()
    for (const type of ['Bill', 'Invoice'] as const) {
      for (const { Id } of books.records(type)) books.vanish(type, Id)
    }
    await beat()
    expect(await lastRun(mirror)).toMatchObject({ trigger: 'reconcile', error_code: 'mass_disappearance' })
    expect(await companyRow(mirror)).toMatchObject({ requested_mode: 'incremental' })
    const { Id } = books.createBill({ vendorId: '1', amount: '9.00' })
    await beats(32)
    expect(await owingListings()).toEqual(['bill', 'invoice'])
    expect(await rowOf(mirror, 'bills', Id)).toBeDefined()
    expect(await mirror.rows('SELECT qbo_id FROM bills WHERE deleted_at IS NOT NULL')).toEqual([])
  })

  async function owingListings(): Promise<string[]> {
    const rows = await mirror.rows<{ entity: string }>(
      `SELECT entity FROM sync_states WHERE realm_id = :realmId AND owes = 'listing' ORDER BY entity`,
      { realmId: REALM },
    )
    return rows.map(({ entity }) => entity)
  }

  async function start(records = 40): Promise<void> {
    warned = []
    // What fails here on purpose would be an error in the log.
    const log = Object.assign(createLog({ level: 'none', format: 'pretty', secrets: () => [] }), {
      warn: (message: string, meta: object) => {
        if (message === 'drift found') warned.push({ message, ...meta })
      },
    })
    mirror = await startMirror({
      companies: [company({ records })],
      log: log,
      wrapReader: (reader, access) => {
        const count: CompanyReader['count'] = (entity) =>
          (wrapReader?.(reader, access) ?? reader).count(entity)
        return { ...reader, count }
      },
    })
    books = mirror.sandbox.books(REALM)
    // The first listing is not what is looked at here.
    const wrapped = wrapReader
    wrapReader = null
    await mirror.sync()
    wrapReader = wrapped
  }

  /** Moves on to where the company is due, without a beat. */
  async function toNight(): Promise<void> {
    mirror.clock.move({ days: 12 })
    await mirror.sync()
    // Far overdue in a day from now; at its own night before that.
    mirror.clock.move({ days: 1 })
  }

  async function ask(settings: object = {}): Promise<string[]> {
    let queued: string[] = []
    await tick({
      database: mirror.database,
      enqueue: async (_tx, realmIds) => {
        queued = [...realmIds]
      },
      intervalSeconds: INTERVAL_SECONDS,
      monthlyCallBudget: null,
      reconcileDays: DAYS,
      ...settings,
    })
    return queued
  }

  /** One minute of the service. */
  async function beat(): Promise<void> {
    mirror.clock.move({ minutes: 1 })
    for (const realmId of await ask()) {
      await performSync(
        {
          database: mirror.database,
          intervalSeconds: INTERVAL_SECONDS,
          log: mirror.options.log,
          run: (realm, stop) => runCompany(mirror.options, realm, stop),
        },
        { realmId, last: false, stop: new AbortController().signal },
      )
    }
  }

  /** @returns how many complete listings were made. */
  async function beats(minutes: number): Promise<number> {
    const before = await reconciles()
    for (let minute = 1; minute <= minutes; minute += 1) await beat()
    return (await reconciles()) - before
  }

  /** Hours at a step by day, for the mirror is synced as well after one as after sixty minutes. */
  async function beatsUntilReconciled(most = 8 * 24 * 3): Promise<number> {
    const before = await reconciles()
    for (let step = 1; step <= most && (await reconciles()) === before; step += 1) {
      mirror.clock.move({ minutes: 19 })
      await beat()
    }
    return (await reconciles()) - before
  }

  async function reconciles(): Promise<number> {
    const [row] = await mirror.rows<{ runs: number }>(
      `SELECT count(*) AS runs FROM sync_runs WHERE trigger = 'reconcile' AND status = 'succeeded'`,
    )
    return row!.runs
  }

  async function lastReconcile(): Promise<Record<string, unknown>> {
    const [run] = await mirror.rows<{ entities: Record<string, unknown> }>(
      `SELECT entities FROM sync_runs WHERE trigger = 'reconcile' ORDER BY id DESC LIMIT 1`,
    )
    return run!.entities
  }

  async function totals(): Promise<Record<string, number>> {
    const rows = await mirror.rows<{ labels: { entity: string; kind: string }; total: number }>(
      `SELECT labels, total FROM metric_totals_now() WHERE metric = 'ledger_sync_drift_total' ORDER BY labels`,
    )
    return Object.fromEntries(rows.map(({ labels, total }) => [`${labels.entity} ${labels.kind}`, total]))
  }

  /** Bills that a merge repoints, but for those that changed otherwise. */
  function movedByMerge(loser: string, ...others: string[]): number {
    return books
      .records('Bill')
      .filter(({ Id, VendorRef }) => (VendorRef as Ref).value === loser && !others.includes(Id)).length
  }
})

interface Ref {
  readonly value: string
}
