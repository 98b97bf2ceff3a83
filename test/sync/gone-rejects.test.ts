import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Books } from '../../src/sandbox/sandbox.ts'
import type { CompanyReader } from '../../src/quickbooks/quickbooks.ts'
import { makeRejectsDue, openRejects } from '../setup/rejects.ts'
import { company, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { expectAtRest, expectSound, rowOf, versionsOf } from './invariants.ts'

describe('a rejected record that is mirrored in an older version', () => {
  let mirror: TestMirror
  let books: Books
  let spoil: ((reader: CompanyReader) => Partial<CompanyReader>) | null = null

  beforeEach(async () => {
    spoil = null
    mirror = await startMirror({
      companies: [company({ records: 60 })],
      wrapReader: (reader) => ({
        ...reader,
        changes: (...asked) => (spoil?.(reader).changes ?? reader.changes)(...asked),
        byIds: (...asked) => (spoil?.(reader).byIds ?? reader.byIds)(...asked),
      }),
    })
    books = mirror.sandbox.books(REALM)
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
  })

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('is deleted with its reject when it vanished, and the mirror is right again', async () => {
    const bill = await rejectedBill()
    books.vanish('Bill', bill)
    await makeRejectsDue(mirror)
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    expect(await openRejects(mirror)).toEqual([])
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: mirror.clock.now() })
    expect(await versionsOf(mirror, 'bills', bill)).toHaveLength(2)
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    await expectAtRest(mirror)
  })

  test('is deleted with its reject when it was merged away', async () => {
    const [survivor] = books.records('Vendor')
    const { Id: loser } = books.createVendor({ name: 'Torn & Sons' })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    books.put('Vendor', { ...books.touch('Vendor', loser), Notes: 'torn \ud800' })
    expect(await mirror.sync()).toMatchObject({ status: 'partial' })
    mirror.clock.move({ minutes: 15 })
    books.put('Vendor', { ...books.record('Vendor', loser)!, Notes: '' })
    books.merge('Vendor', survivor!.Id, loser)
    await makeRejectsDue(mirror)
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    expect(await openRejects(mirror)).toEqual([])
    expect(await rowOf(mirror, 'vendors', loser)).toMatchObject({ deleted_at: mirror.clock.now() })
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('stays with its reject while QuickBooks counts it although it does not find it', async () => {
    const bill = await rejectedBill()
    spoil = (reader) => ({
      byIds: async (entity, ids) => {
        const { page } = await reader.byIds(entity, ids)
        return { page: { ...page, changes: [], rejects: [] }, missing: [...ids] }
      },
    })
    const before = (await openRejects(mirror))[0]!.attempts
    await makeRejectsDue(mirror)
    await mirror.sync()
    expect(await openRejects(mirror)).toMatchObject([{ qboId: bill, attempts: before + 1 }])
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: null })
    // It is not asked for again at once.
    const dueAt = (await openRejects(mirror))[0]!.retryAt
    expect(dueAt.getTime()).toBeGreaterThan(mirror.clock.now().getTime())

    spoil = null
    books.put('Bill', { ...books.touch('Bill', bill), PrivateNote: 'whole again' })
    mirror.clock.move({ minutes: 15 })
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    expect(await openRejects(mirror)).toEqual([])
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('is deleted with its reject by QuickBooks’ own tombstone', async () => {
    const bill = await rejectedBill()
    books.put('Bill', { ...books.record('Bill', bill)!, PrivateNote: '' })
    books.deleteTxn('Bill', bill)
    expect(await mirror.sync()).toMatchObject({ status: 'succeeded' })
    expect(await openRejects(mirror)).toEqual([])
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: mirror.clock.now() })
  })

  test('is deleted with its reject by a listing that does not meet it', async () => {
    const bill = await rejectedBill()
    books.vanish('Bill', bill)
    expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'succeeded' })
    expect(await openRejects(mirror)).toEqual([])
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: mirror.clock.now() })
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    await expectAtRest(mirror)
  })

  test('stays a reject when a copy from before it is delivered late', async () => {
    const { Id: bill } = books.createBill({ vendorId: '1', amount: '305.54' })
    mirror.clock.move({ minutes: 1 })
    const late = await answerOf()
    mirror.clock.move({ minutes: 1 })
    reject(bill)
    expect(await mirror.sync()).toMatchObject({ status: 'partial' })
    spoil = () => ({ changes: late })
    await mirror.sync()
    expect(await openRejects(mirror)).toMatchObject([{ qboId: bill }])

    // What was rejected is told of a moment later, so nothing is asked for by id.
    spoil = null
    mirror.clock.move({ minutes: 15 })
    await mirror.sync()
    expect(await openRejects(mirror)).toMatchObject([{ qboId: bill }])
  })

  test('is asked for by its id where it is rejected beside a tombstone of its own', async () => {
    const bill = await rejectedBill()
    books.falseTombstone('Bill', bill)
    expect(await mirror.sync()).toMatchObject({ status: 'partial' })
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: null })
    expect(await openRejects(mirror)).toMatchObject([{ qboId: bill }])
  })

  test('is asked for by its id where a tombstone is told that is older than its reject', async () => {
    const { Id: bill } = books.createBill({ vendorId: '1', amount: '305.54' })
    await mirror.sync()
    mirror.clock.move({ minutes: 4 })
    const deletedAt = mirror.clock.now()
    mirror.clock.move({ minutes: 1 })
    reject(bill)
    expect(await mirror.sync()).toMatchObject({ status: 'partial' })
    spoil = (reader) => ({
      async changes(...asked) {
        const answer = await reader.changes(...asked)
        const tombstone = { kind: 'tombstone', qboId: bill, sourceUpdatedAt: deletedAt } as const
        const page = { changes: [tombstone], rejects: [], observedAt: answer.observedAt }
        return { ...answer, pages: new Map([['bill', page]]) }
      },
    })
    await mirror.sync()
    expect(await rowOf(mirror, 'bills', bill)).toMatchObject({ deleted_at: null })
    expect(await openRejects(mirror)).toMatchObject([{ qboId: bill, attempts: 2 }])
  })

  /** What change data capture answers now, to be given again later. */
  async function answerOf(): Promise<CompanyReader['changes']> {
    let answer: ReturnType<CompanyReader['changes']> | null = null
    spoil = (reader) => ({
      changes: (...asked) => (answer = reader.changes(...asked)),
    })
    await mirror.sync()
    spoil = null
    return () => answer!
  }

  /** An open bill of 305.54 that QuickBooks then changed to something that cannot be kept. */
  async function rejectedBill(): Promise<string> {
    const { Id } = books.createBill({ vendorId: '1', amount: '305.54' })
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    reject(Id)
    expect(await mirror.sync()).toMatchObject({ status: 'partial' })
    expect(await openRejects(mirror)).toMatchObject([{ qboId: Id }])
    mirror.clock.move({ minutes: 15 })
    return Id
  }

  function reject(bill: string): void {
    books.put('Bill', { ...books.touch('Bill', bill), PrivateNote: 'torn\u0000note' })
  }
})
