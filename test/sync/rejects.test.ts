import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { lastReport, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { expectAtRest, expectSound, rowOf, watermarks } from './invariants.ts'

interface RejectRow {
  readonly qbo_id: string
  readonly code: string
  readonly reason: string
  readonly payload: string
  readonly attempts: number
  readonly retry_at: Date
  readonly resolved_at: Date | null
}

describe('a record that cannot be taken', () => {
  let mirror: TestMirror
  let books: Books

  beforeEach(async () => {
    mirror = await startMirror()
    books = mirror.sandbox.books(REALM)
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
  })

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('is kept with its payload and the reason, and the rest of its page is taken', async () => {
    const bad = spoiledBill({ TotalAmt: 'many' })
    const { Id: good } = books.createBill({ vendorId: '1', amount: '5.00' })
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
    expect(await rejects()).toMatchObject([
      { qbo_id: bad, code: 'invalid_payload', reason: expect.stringContaining('TotalAmt'), attempts: 1 },
    ])
    expect(JSON.parse((await rejects())[0]!.payload)).toMatchObject({ Id: bad, TotalAmt: 'many' })
    expect(await rowOf(mirror, 'bills', bad)).toBeUndefined()
    expect(await rowOf(mirror, 'bills', good)).toBeDefined()
    expect((await lastReport(mirror)).bill).toMatchObject({ fetched: 2, inserted: 1, rejected: 1 })
  })

  test('does not hold the watermark', async () => {
    spoiledBill({ TotalAmt: 'many' })
    await mirror.sync()
    expect((await watermarks(mirror))['bill']).toBe(mirror.clock.now().toISOString())
  })

  test.each([
    ['a null byte', { PrivateNote: 'torn\u0000note' }, '\\u0000'],
    ['half of a surrogate pair', { PrivateNote: 'torn \ud800 note' }, '\\ud800'],
  ])('because Postgres refuses %s is found among the others of its page', async (_, patch, kept) => {
    const before = books.createBill({ vendorId: '1', amount: '1.00' }).Id
    const bad = spoiledBill(patch)
    const after = [3, 4, 5].map((amount) => books.createBill({ vendorId: '1', amount: `${amount}.00` }).Id)
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
    expect((await lastReport(mirror)).bill).toMatchObject({ fetched: 5, inserted: 4, rejected: 1 })
    for (const Id of [before, ...after]) expect(await rowOf(mirror, 'bills', Id)).toBeDefined()
    expect(await rejects()).toMatchObject([{ qbo_id: bad, code: 'invalid_payload' }])
    expect((await rejects())[0]!.payload).toContain(kept)
    expect((await rejects())[0]!.reason).toMatch(
      /^Postgres cannot hold the record: [\w :"]*(Unicode|json|UTF8)[\w :"]*$/,
    )
  })

  test('is found in a listing too, and the page counts as taken', async () => {
    const bad = spoiledBill({ PrivateNote: 'torn\u0000note' })
    expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ kind: 'finished', status: 'partial' })
    expect(await rejects()).toMatchObject([{ qbo_id: bad }])
    expect(await mirror.rows('SELECT entity FROM sync_states WHERE listing IS NOT NULL')).toEqual([])
  })

  test('is kept although the quotation in its reason ends in the middle of a character', async () => {
    const bad = spoiledBill({ TotalAmt: `${'x'.repeat(78)}\u{1f600}` })
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
    expect(await rejects()).toMatchObject([{ qbo_id: bad, reason: expect.stringContaining('xxx') }])
  })

  test('keeps the older content of a record that was taken before', async () => {
    const { Id } = books.createBill({ vendorId: '1', amount: '5.00' })
    await mirror.sync()
    mirror.clock.move({ minutes: 1 })
    books.put('Bill', { ...books.touch('Bill', Id), TotalAmt: 'many' })
    expect(await mirror.sync()).toMatchObject({ status: 'partial' })
    expect(await rowOf(mirror, 'bills', Id)).toMatchObject({ total_amount: '5', deleted_at: null })
  })

  test('is settled when it comes corrected', async () => {
    const bad = spoiledBill({ TotalAmt: 'many' })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    books.put('Bill', { ...books.touch('Bill', bad), TotalAmt: 2 })
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    expect(await openRejects()).toEqual([])
    expect((await rejects())[0]).toMatchObject({ resolved_at: mirror.clock.now() })
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('is read again by its id after an hour, later and later while it stays as it is', async () => {
    const bad = spoiledBill({ TotalAmt: 'many' })
    await mirror.sync()
    expect((await rejects())[0]!.retry_at).toEqual(inHours(1))
    // The overlap shows it once more.
    mirror.clock.move({ minutes: 15 })
    expect(await readsById()).toEqual([])
    expect((await rejects())[0]).toMatchObject({ attempts: 2, retry_at: inHours(2) })
    mirror.clock.move({ minutes: 119 })
    expect(await readsById()).toEqual([])
    mirror.clock.move({ minutes: 1 })
    expect(await readsById()).toEqual([expect.stringContaining(`Id IN ('${bad}')`)])
    expect((await rejects())[0]).toMatchObject({ attempts: 3, retry_at: inHours(4), resolved_at: null })
    for (let day = 0; day < 7; day += 1) {
      mirror.clock.move({ hours: 25 })
      await mirror.sync()
    }
    expect((await rejects())[0]).toMatchObject({ attempts: 10, retry_at: inHours(24) })
    books.silentChange('Bill', bad, { TotalAmt: 2 })
    mirror.clock.move({ hours: 25 })
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    expect(await openRejects()).toEqual([])
    await expectAtRest(mirror)
  })

  test('is settled when QuickBooks tells that it was deleted', async () => {
    const bad = spoiledBill({ TotalAmt: 'many' })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    books.put('Bill', { ...books.record('Bill', bad)!, TotalAmt: 2 })
    books.deleteTxn('Bill', bad)
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    expect(await openRejects()).toEqual([])
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('is settled when reading it by its id finds nothing any more', async () => {
    const bad = spoiledBill({ TotalAmt: 'many' })
    await mirror.sync()
    books.put('Bill', { ...books.record('Bill', bad)!, TotalAmt: 2 })
    books.vanish('Bill', bad)
    mirror.clock.move({ minutes: 65 })
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    expect(await openRejects()).toEqual([])
  })

  test('stands beside others of the same run, each once', async () => {
    const bad = [1, 2, 3].map(() => spoiledBill({ TotalAmt: 'many' }))
    await mirror.sync()
    await mirror.sync()
    expect((await openRejects()).map(({ qbo_id }) => qbo_id)).toEqual(bad)
    expect((await openRejects()).map(({ attempts }) => attempts)).toEqual([2, 2, 2])
  })

  test('is not one for an amount of twenty digits, of which none is lost', async () => {
    const { Id } = books.createBill({ vendorId: '1', amount: '2.00' })
    const text = books.recordsText('Bill').find((one) => (JSON.parse(one) as { Id: string }).Id === Id)!
    books.putText('Bill', text.replace(/"TotalAmt":[\d.]+/, '"TotalAmt":12345678901234567890.12'))
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    expect(await rowOf(mirror, 'bills', Id)).toMatchObject({ total_amount: '12345678901234567890.12' })
    expect(
      await mirror.rows(`SELECT raw->>'TotalAmt' AS amount FROM bills WHERE qbo_id = :Id`, { Id }),
    ).toEqual([{ amount: '12345678901234567890.12' }])
  })

  /** A bill that was entered just now and holds what no bill should. */
  function spoiledBill(patch: Record<string, unknown>): string {
    const bill = books.createBill({ vendorId: '1', amount: '2.00' })
    books.put('Bill', { ...bill, ...patch } as Parameters<Books['put']>[1])
    return bill.Id
  }

  async function readsById(): Promise<string[]> {
    mirror.sandbox.calls.clear()
    await mirror.ask()
    await mirror.run()
    return mirror.sandbox.calls.list().flatMap(({ query }) => (query && /Id IN/i.test(query) ? [query] : []))
  }

  function rejects(): Promise<RejectRow[]> {
    return mirror.rows('SELECT * FROM sync_rejects ORDER BY id')
  }

  async function openRejects(): Promise<RejectRow[]> {
    return (await rejects()).filter(({ resolved_at }) => resolved_at === null)
  }

  function inHours(hours: number): Date {
    return new Date(mirror.clock.now().getTime() + hours * 3_600_000)
  }
})
