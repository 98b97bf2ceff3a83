import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createLog } from '../../src/log.ts'
import { MAPPING_VERSION } from '../../src/quickbooks/mappers.ts'
import { company, lastReport, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { expectAtRest, expectSound, lastRun, MIRRORED, rowOf, versionsOf } from './invariants.ts'

// What fails here on purpose would be an error in the log.
const nowhere = createLog({ level: 'none', format: 'pretty', secrets: () => [] })

describe('after an upgrade of the mapping', () => {
  let mirror: TestMirror
  let listPages = Infinity

  beforeEach(async () => {
    listPages = Infinity
    mirror = await startMirror({
      companies: [company({ records: 200 })],
      log: nowhere,
      wrapReader: (reader) => ({
        ...reader,
        listPage: (...asked) => {
          listPages -= 1
          if (listPages < 0) throw new Error('the process died')
          return reader.listPage(...asked)
        },
      }),
    })
  })

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('stored payloads are mapped again without a call, and only differing content gains a version', async () => {
    await mirror.sync()
    const [different, same] = await bills()
    await asMappedBefore(different!, `private_note = 'as an older mapping read it'`)
    const old = await rowOf<{ xmin: string }>(mirror, 'bills', same!)
    mirror.clock.move({ minutes: 15 })
    mirror.sandbox.calls.clear()
    await mirror.sync()

    expect(mirror.sandbox.calls.meteredCount(REALM)).toBe(1)
    expect((await lastReport(mirror)).bill).toMatchObject({ updated: 1 })
    expect(await versionsOf(mirror, 'bills', different!)).toMatchObject([
      { private_note: null },
      { private_note: 'as an older mapping read it' },
      { private_note: null, mapping_version: MAPPING_VERSION, sync_run_id: (await lastRun(mirror))['id'] },
    ])
    expect(await versionsOf(mirror, 'bills', same!)).toHaveLength(1)
    expect(await rowOf(mirror, 'bills', same!)).toEqual({ ...old, mapping_version: MAPPING_VERSION })
    expect(await outdated()).toEqual([])
    await expectAtRest(mirror)
  })

  test('it happens once', async () => {
    await mirror.sync()
    await asMappedBefore('0', 'balance = balance')
    await mirror.sync()
    expect(await mirror.rows('SELECT DISTINCT mapping_version AS version FROM sync_states')).toEqual([
      { version: MAPPING_VERSION },
    ])
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    await expectAtRest(mirror)
  })

  test('deleted records are mapped again too', async () => {
    await mirror.sync()
    const [gone] = await bills()
    mirror.clock.move({ minutes: 15 })
    mirror.sandbox.books(REALM).deleteTxn('Bill', gone!)
    await mirror.sync()
    await asMappedBefore(gone!, `private_note = 'as an older mapping read it'`)
    await mirror.sync()
    expect(await rowOf(mirror, 'bills', gone!)).toMatchObject({
      private_note: null,
      deleted_at: expect.any(Date),
    })
  })

  test('the pages of a listing that the upgrade interrupted are mapped again', async () => {
    listPages = 4
    expect(await mirror.sync()).toMatchObject({ kind: 'failed', error: { code: 'internal' } })
    const [bill] = await bills()
    await asMappedBefore(bill!, `private_note = 'as an older mapping read it'`)
    listPages = Infinity
    await mirror.sync()
    expect(await rowOf(mirror, 'bills', bill!)).toMatchObject({ private_note: null })
    expect(await outdated()).toEqual([])
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    await expectAtRest(mirror)
  })

  test('a payload that is no longer taken is a reject, and its row stays as it was', async () => {
    await mirror.sync()
    const [bill] = await bills()
    await asMappedBefore(bill!, `raw = raw || '{"TotalAmt": "many"}'`)
    const before = await rowOf(mirror, 'bills', bill!)
    expect(await mirror.sync()).toMatchObject({ status: 'partial' })
    expect(await mirror.rows('SELECT qbo_id, code FROM sync_rejects')).toEqual([
      { qbo_id: bill, code: 'invalid_payload' },
    ])
    expect(await rowOf(mirror, 'bills', bill!)).toEqual(before)
  })

  test('rejects are read again at once, for the new mapping may take them', async () => {
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    const books = mirror.sandbox.books(REALM)
    const bad = books.createBill({ vendorId: '1', amount: '2.00' })
    books.put('Bill', { ...bad, TotalAmt: 'many' })
    await mirror.sync()
    // Past the overlap, which would bring it by itself.
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    books.silentChange('Bill', bad.Id, { TotalAmt: 2 })
    await mirror.rows('UPDATE sync_states SET mapping_version = 0')
    await mirror.sync()
    expect(await rowOf(mirror, 'bills', bad.Id)).toMatchObject({ total_amount: '2' })
    await expectAtRest(mirror)
  })

  test('a run that fails after it leaves it done: the next one gives no version twice', async () => {
    await mirror.sync()
    const [different] = await bills()
    await asMappedBefore(different!, `private_note = 'as an older mapping read it'`)
    mirror.clock.move({ minutes: 15 })
    mirror.sandbox.faults.add({ kind: 'server500', operation: 'cdc', times: 1 })
    expect(await mirror.sync()).toMatchObject({ kind: 'failed' })
    mirror.clock.move({ hours: 2 })
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    expect(await versionsOf(mirror, 'bills', different!)).toHaveLength(3)
    expect(await outdated()).toEqual([])
    await expectAtRest(mirror)
  })

  /** Makes every row look as though an older mapping had made it, and one of them differ. */
  async function asMappedBefore(bill: string, change: string): Promise<void> {
    await mirror.rows('UPDATE bills SET mapping_version = 0')
    await mirror.rows(`UPDATE bills SET ${change} WHERE qbo_id = '${bill}'`)
    await mirror.rows('UPDATE sync_states SET mapping_version = 0')
  }

  async function bills(): Promise<string[]> {
    const rows = await mirror.rows<{ qbo_id: string }>(
      'SELECT qbo_id FROM bills WHERE private_note IS NULL ORDER BY qbo_id LIMIT 2',
    )
    return rows.map(({ qbo_id }) => qbo_id)
  }

  function outdated(): Promise<unknown[]> {
    return mirror.rows(`SELECT qbo_id FROM bills WHERE mapping_version < ${MAPPING_VERSION}`)
  }
})

describe('a full mirror', () => {
  // The most that one statement maps again.
  const ROWS_PER_STATEMENT = 1000
  const BILLS = ROWS_PER_STATEMENT + 50

  let mirror: TestMirror

  beforeEach(async () => {
    mirror = await startMirror({ companies: [company({ records: 300, multiCurrency: true })], log: nowhere })
    const books = mirror.sandbox.books(REALM)
    for (let bill = 1; bill <= BILLS; bill += 1) books.createBill({ vendorId: '1', amount: `${bill}.05` })
    await mirror.sync()
    for (let step = 1; step <= 60; step += 1) {
      mirror.clock.move({ seconds: 30 })
      books.step()
      if (step % 20 === 0) await mirror.sync()
    }
    books.deleteTxn('Bill', books.records('Bill')[0]!.Id)
    books.voidInvoice(books.records('Invoice')[0]!.Id)
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
  }, 120_000)

  afterEach(() => mirror.close())

  test('is mapped again whole without a call and without a version', async () => {
    const before = await everything()
    expect(before.get('bills')!.length).toBeGreaterThan(ROWS_PER_STATEMENT)
    for (const table of MIRRORED) expect(before.get(table)).not.toEqual([])
    expect(before.get('bills_versions')!.length).toBeGreaterThan(before.get('bills')!.length)
    const idle = await callsOfOneSync()

    for (const table of MIRRORED) {
      await mirror.rows(`UPDATE ${table} SET mapping_version = 0, content_hash = 'of an older mapping'`)
    }
    await mirror.rows('UPDATE sync_states SET mapping_version = 0')
    expect(await callsOfOneSync()).toEqual(idle)
    expect(await everything()).toEqual(before)
    await expectAtRest(mirror)
  })

  /** Every row of every entity, and every version that it had. */
  async function everything(): Promise<Map<string, unknown[]>> {
    const dump = new Map<string, unknown[]>()
    for (const relation of MIRRORED.flatMap((table) => [table, `${table}_versions`])) {
      dump.set(relation, await mirror.rows(`SELECT * FROM ${relation} ORDER BY qbo_id, valid_from`))
    }
    return dump
  }

  /** What one sync asked of QuickBooks; its tokens are renewed by the hour. */
  async function callsOfOneSync(): Promise<unknown[]> {
    mirror.clock.move({ minutes: 15 })
    mirror.sandbox.calls.clear()
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    return mirror.sandbox.calls
      .list()
      .filter(({ operation }) => operation !== 'token')
      .map(({ operation, entity, status }) => ({ operation, entity, status }))
  }
})
