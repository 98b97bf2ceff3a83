import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Change, Version } from '../../src/domain/change.ts'
import {
  decide,
  isDisputed,
  isReadOtherwise,
  type Decision,
  type Known,
  type Reading,
} from '../../src/domain/decide.ts'

interface Told {
  readonly change: Change
  readonly observedAt: Date
}

const NOTHING: Known = { record: null, buried: null }

describe('deciding about a copy', () => {
  test('never lets an older one win, unless it was read on purpose, by this run or not before the other', () => {
    fc.assert(
      fc.property(
        versions(2),
        fc.boolean(),
        fc.date({ noInvalidDate: true }),
        (told, authoritative, began) => {
          const [older, newer] = told.toSorted(byAge)
          const known = take(NOTHING, newer!)
          const decision = decide(older!.change, known, reading(older!, authoritative, began))
          const isRecent = older!.observedAt >= began || older!.observedAt >= newer!.observedAt
          const isLatestWord = authoritative && isRecent
          if (isLatestWord) expect(decision).not.toBe('stale')
          else expect(decision).toBe('stale')
        },
      ),
    )
  })

  test('ends at the newest one in whatever order they come', () => {
    fc.assert(
      fc.property(history(), fc.func(fc.integer()), (told, order) => {
        const shuffled = told.toSorted((a, b) => order(a) - order(b))
        const newest = told.toSorted(byAge).at(-1)!
        expect(alive(shuffled.reduce(take, NOTHING))).toEqual(
          newest.change.kind === 'tombstone' ? null : newest.change.contentHash,
        )
      }),
    )
  })

  test('writes nothing when one is told again', () => {
    fc.assert(
      fc.property(history(), fc.boolean(), (told, authoritative) => {
        for (const one of told) {
          const known = take(NOTHING, one)
          expect(decide(one.change, known, reading(one, authoritative))).toBe('unchanged')
        }
      }),
    )
  })

  test('lets the later answer win where both carry the same time', () => {
    const at = new Date('2026-11-02T10:00:00Z')
    const first = { change: version('a', at), observedAt: new Date('2026-11-02T10:00:00.200Z') }
    const second = { change: version('b', at), observedAt: new Date('2026-11-02T10:00:00.700Z') }
    expect(decide(second.change, take(NOTHING, first), reading(second, false))).toBe('updated')
    expect(decide(first.change, take(NOTHING, second), reading(first, false))).toBe('stale')
  })

  test('tells a touch from a change and from nothing at all', () => {
    const at = new Date('2026-11-02T10:00:00Z')
    const later = new Date('2026-11-02T11:00:00Z')
    const known = take(NOTHING, { change: version('a', at), observedAt: at })
    const decided = (change: Change) =>
      decide(change, known, { observedAt: later, authoritative: false, runBeganAt: later })
    expect(decided(version('a', at))).toBe('unchanged')
    expect(decided(version('a', later))).toBe('touched')
    expect(decided({ ...version('a', at), syncToken: '9' })).toBe('touched')
    expect(decided({ ...version('b', at), syncToken: '9' })).toBe('updated')
  })

  // What is held: SyncToken 3, as of 10:00, content a, observed at 10:01.
  const HELD_AT = '10:00:00'
  const LATER = '10:00:05'
  const EARLIER = '09:59:55'
  test.each<[string, string | null, string, 'a' | 'b', boolean | undefined, Decision, Decision]>([
    // SyncToken, LastUpdatedTime, content, columns alike: decision by change data capture, by a listing or by id
    ['the same again', '3', HELD_AT, 'a', undefined, 'unchanged', 'unchanged'],
    ['read in another way', '3', HELD_AT, 'b', true, 'unchanged', 'unchanged'],
    ['a column changed without a sign', '3', HELD_AT, 'b', false, 'updated', 'updated'],
    ['columns that nobody looked up', '3', HELD_AT, 'b', undefined, 'updated', 'updated'],
    ['a second edit within the second', '4', HELD_AT, 'b', undefined, 'updated', 'updated'],
    ['that edit, though its columns are alike', '4', HELD_AT, 'b', true, 'updated', 'updated'],
    ['an edit without change within the second', '4', HELD_AT, 'a', undefined, 'touched', 'touched'],
    ['a touch', '3', LATER, 'a', undefined, 'touched', 'touched'],
    ['a balance that moved with its time', '3', LATER, 'b', true, 'updated', 'updated'],
    ['an edit', '4', LATER, 'b', undefined, 'updated', 'updated'],
    ['no SyncToken where there was one', null, HELD_AT, 'b', true, 'updated', 'updated'],
    ['an older copy', '2', EARLIER, 'b', undefined, 'stale', 'updated'],
    ['an older time with the same content', '3', EARLIER, 'a', undefined, 'stale', 'touched'],
  ])('%s', (_what, syncToken, at, contentHash, sameColumns, told, read) => {
    const moment = (time: string) => new Date(`2026-11-02T${time}Z`)
    const held = {
      change: { ...version('a', moment(HELD_AT)), syncToken: '3' },
      observedAt: moment('10:01:00'),
    }
    const known: Known = { ...take(NOTHING, held), ...(sameColumns === undefined ? {} : { sameColumns }) }
    const change = { ...version(contentHash, moment(at)), syncToken }
    const answered = { observedAt: moment('10:02:00'), runBeganAt: moment('10:02:00') }
    expect(decide(change, known, { ...answered, authoritative: false })).toBe(told)
    expect(decide(change, known, { ...answered, authoritative: true })).toBe(read)
    const late = { observedAt: moment('10:00:30'), runBeganAt: moment('10:02:00') }
    const isNewer = at === LATER
    expect(decide(change, known, { ...late, authoritative: false })).toBe(isNewer ? told : 'stale')
    expect(isReadOtherwise(change, known)).toBe(contentHash === 'b' && syncToken === '3' && at === HELD_AT)
  })

  test('of a record without a SyncToken, takes any other content for an edit', () => {
    const at = new Date('2026-11-02T10:00:00Z')
    const held = { change: { ...version('a', at), syncToken: null }, observedAt: at }
    const other = { ...version('b', at), syncToken: null }
    const known = { ...take(NOTHING, held), sameColumns: true }
    expect(isReadOtherwise(other, known)).toBe(false)
    expect(decide(other, known, reading({ ...held, change: other }, false))).toBe('updated')
  })

  test('asks nothing about the columns of a deleted record or of one never seen', () => {
    const at = new Date('2026-11-02T10:00:00Z')
    const known = take(NOTHING, { change: version('a', at), observedAt: at })
    const gone = { ...known, record: { ...known.record!, deleted: true } }
    expect(isReadOtherwise(version('b', at), gone)).toBe(false)
    expect(isReadOtherwise(version('b', at), NOTHING)).toBe(false)
    expect(isReadOtherwise(tombstone(at), known)).toBe(false)
  })

  test('brings a deleted record back only for a newer copy, or one read on purpose', () => {
    const before = {
      change: version('a', new Date('2026-11-02T09:00:00Z')),
      observedAt: new Date('2026-11-02T12:00:00Z'),
    }
    const after = {
      change: version('a', new Date('2026-11-02T11:00:00Z')),
      observedAt: new Date('2026-11-02T12:00:00Z'),
    }
    const deleted = {
      change: tombstone(new Date('2026-11-02T10:00:00Z')),
      observedAt: new Date('2026-11-02T10:00:01Z'),
    }
    for (const gone of [take(take(NOTHING, before), deleted), take(NOTHING, deleted)]) {
      const back = gone.record ? 'revived' : 'inserted'
      expect(decide(before.change, gone, reading(before, false))).toBe('stale')
      expect(decide(before.change, gone, reading(before, true))).toBe(back)
      expect(decide(after.change, gone, reading(after, false))).toBe(back)
    }
  })

  test('disputes a tombstone of a record that was seen alive after it, and no other', () => {
    const at = (time: string) => new Date(`2026-11-02T${time}Z`)
    const seen = take(NOTHING, { change: version('a', at('09:00:00')), observedAt: at('10:00:00.300') })
    expect(isDisputed(tombstone(at('10:00:00')), seen)).toBe(true)
    expect(isDisputed(tombstone(at('10:00:01')), seen)).toBe(false)
    expect(isDisputed(tombstone(at('08:00:00')), NOTHING)).toBe(false)
    expect(isDisputed(version('b', at('08:00:00')), seen)).toBe(false)
    const gone = { record: { ...seen.record!, deleted: true }, buried: null }
    expect(isDisputed(tombstone(at('08:00:00')), gone)).toBe(false)
  })
})

/** What the mirror knows after a change was told, as the writing of it leaves it. */
function take(known: Known, { change, observedAt }: Told): Known {
  const { sourceUpdatedAt } = change
  switch (decide(change, known, { observedAt, authoritative: false, runBeganAt: observedAt })) {
    case 'stale':
    case 'unchanged':
      return known
    case 'buried':
      return { record: null, buried: { sourceUpdatedAt, observedAt } }
    case 'deleted':
      return { record: { ...known.record!, sourceUpdatedAt, observedAt, deleted: true }, buried: null }
    case 'inserted':
    case 'updated':
    case 'touched':
    case 'revived': {
      const { contentHash, syncToken } = change as Version
      return { record: { contentHash, syncToken, sourceUpdatedAt, observedAt, deleted: false }, buried: null }
    }
  }
}

function alive({ record }: Known): string | null {
  return record && !record.deleted ? record.contentHash : null
}

/** By a run that has just begun, unless said otherwise. */
function reading({ observedAt }: Told, authoritative: boolean, runBeganAt = observedAt): Reading {
  return { observedAt, authoritative, runBeganAt }
}

/** Versions of one record at different times; the last of them may be its delete, for a record dies once. */
function history(): fc.Arbitrary<Told[]> {
  return fc.tuple(versions(1), fc.boolean()).map(([told, dies]) => {
    const oldestFirst = told.toSorted(byAge)
    const last = oldestFirst.at(-1)!
    if (!dies) return oldestFirst
    return [...oldestFirst.slice(0, -1), { ...last, change: tombstone(last.change.sourceUpdatedAt) }]
  })
}

function versions(minLength: number): fc.Arbitrary<Told[]> {
  const one = fc.record({
    second: fc.integer({ min: 0, max: 1_000 }),
    lagMs: fc.integer({ min: 0, max: 5_000_000 }),
    hash: fc.constantFrom('a', 'b', 'c'),
  })
  return fc.uniqueArray(one, { minLength, maxLength: 8, selector: ({ second }) => second }).map((all) =>
    all.map(({ second, lagMs, hash }) => {
      const sourceUpdatedAt = new Date(Date.UTC(2026, 10, 2) + second * 1000)
      return {
        change: version(hash, sourceUpdatedAt),
        observedAt: new Date(sourceUpdatedAt.getTime() + lagMs),
      }
    }),
  )
}

function byAge(a: Told, b: Told): number {
  return a.change.sourceUpdatedAt.getTime() - b.change.sourceUpdatedAt.getTime()
}

function version(contentHash: string, sourceUpdatedAt: Date): Version {
  return {
    kind: 'version',
    qboId: '1',
    syncToken: '0',
    sourceCreatedAt: null,
    sourceUpdatedAt,
    content: { displayName: 'Juniper', companyName: null, currency: 'USD', active: true },
    contentHash,
    raw: '{}',
  }
}

function tombstone(sourceUpdatedAt: Date): Change {
  return { kind: 'tombstone', qboId: '1', sourceUpdatedAt }
}
