import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import type { Reject } from '../../src/domain/change.ts'
import {
  advance as advanceBehind,
  startListing,
  type ListingCursor,
} from '../../src/quickbooks/listing-cursor.ts'
import { toListedRow, type ListedRow } from '../../src/quickbooks/listed-row.ts'
import { parseJson } from '../../src/domain/parse-json.ts'
import type { CompanyReader, QuickBooks } from '../../src/quickbooks/quickbooks.ts'
import { openCompany, openQuickBooks } from './open-company.ts'
import { startTinyQuickBooks, type Refusal, type TinyQuickBooks, type TinyRow } from './tiny-quickbooks.ts'

// 2026-11-02T17:00:00Z
const FIRST_SECOND = 1_793_638_800

let opened: { server: TinyQuickBooks; quickBooks: QuickBooks } | null = null

afterEach(async () => {
  opened?.quickBooks.close()
  await opened?.server.close()
  opened = null
})

async function open(
  rows: () => readonly TinyRow[],
  isPoisoned?: (row: TinyRow) => boolean,
  refusal?: Refusal,
): Promise<{ reader: CompanyReader; server: TinyQuickBooks }> {
  const server = await startTinyQuickBooks(rows, isPoisoned, refusal)
  const quickBooks = openQuickBooks(server)
  opened = { server, quickBooks }
  return { reader: openCompany(quickBooks).reader, server }
}

async function close(): Promise<void> {
  opened?.quickBooks.close()
  await opened?.server.close()
  opened = null
}

interface Listed {
  readonly ids: string[]
  readonly rejects: Reject[]
  readonly pages: number
}

/** Lists to the end; the cursor goes through JSON between two pages, as it does through Postgres. */
async function listAll(
  reader: CompanyReader,
  betweenPages: (page: number) => void = () => undefined,
  start: ListingCursor = startListing('created', null),
): Promise<Listed> {
  const ids: string[] = []
  const rejects: Reject[] = []
  let pages = 0
  let cursor: ListingCursor | null = start
  while (cursor) {
    const { page, next }: Awaited<ReturnType<CompanyReader['listPage']>> = await reader.listPage(
      'bill',
      cursor,
    )
    ids.push(...page.changes.map(({ qboId }) => qboId))
    rejects.push(...page.rejects)
    pages += 1
    if (pages > 200) throw new Error('the listing does not end')
    betweenPages(pages)
    cursor = JSON.parse(JSON.stringify(next)) as ListingCursor | null
  }
  return { ids, rejects, pages }
}

function rowsInSeconds(counts: readonly number[]): TinyRow[] {
  const seconds = counts.flatMap((count, second) => Array<number>(count).fill(FIRST_SECOND + second))
  return seconds.map((second, index) => ({ id: String(index + 1), second }))
}

function idsOf(rows: readonly TinyRow[]): string[] {
  return rows.map(({ id }) => id)
}

describe('a listing', () => {
  test.each([
    ['nothing', []],
    ['one row', [1]],
    ['a row for each second', Array<number>(2_500).fill(1)],
    ['exactly one page', Array<number>(1_000).fill(1)],
    ['seconds across the end of a page', [900, 300, 700, 400]],
    ['a page within one second', [1_000]],
    ['several pages within one second', [10, 3_456, 10]],
    ['everything within one second', [2_345]],
  ])('has each row exactly once: %s', async (_what, counts) => {
    const rows = rowsInSeconds(counts)
    const { reader } = await open(() => rows)
    expect((await listAll(reader)).ids.sort(byNumber)).toEqual(idsOf(rows))
  })

  test('goes on from the second of the last row, and filters what that second had already', async () => {
    const rows = rowsInSeconds([998, 5])
    const { reader, server } = await open(() => rows)
    const first = await reader.listPage('bill', startListing('created', null))
    expect(first.next).toEqual({
      by: 'created',
      since: '2026-11-02T17:00:01+00:00',
      offset: 0,
      seen: ['999', '1000'],
    })
    const second = await reader.listPage('bill', first.next as ListingCursor)
    expect(second.page.changes.map(({ qboId }) => qboId)).toEqual(['1001', '1002', '1003'])
    expect(second.next).toBeNull()
    expect(server.statements()).toEqual([
      'select * from bill ORDERBY MetaData.CreateTime STARTPOSITION 1 MAXRESULTS 1000',
      "select * from bill WHERE MetaData.CreateTime >= '2026-11-02T17:00:01+00:00' ORDERBY MetaData.CreateTime STARTPOSITION 1 MAXRESULTS 1000",
    ])
  })

  test('of changes begins at a moment, cut to the second', async () => {
    const rows = rowsInSeconds([5, 5, 5])
    const { reader, server } = await open(() => rows)
    const start = startListing('changed', new Date((FIRST_SECOND + 1) * 1000 + 318))
    expect((await listAll(reader, undefined, start)).ids).toEqual(idsOf(rows).slice(5))
    expect(server.statements()).toEqual([
      "select * from bill WHERE MetaData.LastUpdatedTime >= '2026-11-02T17:00:01Z' ORDERBY MetaData.LastUpdatedTime STARTPOSITION 1 MAXRESULTS 1000",
    ])
  })

  test('inside one second passes over no row when rows before it go away', async () => {
    let rows = rowsInSeconds([2_500])
    const { reader } = await open(() => rows)
    const { ids } = await listAll(reader, (page) => {
      if (page < 4) rows = rows.slice(50)
    })
    const listed = new Set(ids)
    expect(idsOf(rows).filter((id) => !listed.has(id))).toEqual([])
  })

  test('of changes takes a record again that changed once more after it was taken', async () => {
    let rows = rowsInSeconds([999, 5, 5])
    const { reader } = await open(() => rows)
    const { ids } = await listAll(
      reader,
      () => {
        rows = rows.map((row) => (row.id === '1000' ? { ...row, second: FIRST_SECOND + 2 } : row))
      },
      startListing('changed', null),
    )
    expect(ids.filter((id) => id === '1000')).toHaveLength(2)
    expect(ids.filter((id) => id === '999')).toHaveLength(1)
  })

  test('never misses a record that stays, whatever moves, vanishes and comes meanwhile', async () => {
    const history = fc.record({
      counts: fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1_800 })), {
        minLength: 3,
        maxLength: 8,
      }),
      // At most as many rows of one second go away between two pages as are read again.
      steps: fc.array(
        fc.record({ vanish: fc.array(fc.nat(), { maxLength: 40 }), move: fc.nat(), add: fc.nat() }),
        {
          maxLength: 6,
        },
      ),
    })
    await fc.assert(
      fc.asyncProperty(history, async ({ counts, steps }) => {
        let rows = rowsInSeconds(counts)
        const stable = new Set(idsOf(rows))
        const { reader } = await open(() => rows)
        const { ids } = await listAll(reader, (page) => {
          const step = steps[page - 1]
          if (!step || rows.length === 0) return
          const gone = new Set(step.vanish.map((at) => rows[at % rows.length]?.id ?? ''))
          const moved = rows[step.move % rows.length]?.id ?? ''
          for (const id of [...gone, moved]) stable.delete(id)
          const added = { id: String(10_000 + page), second: FIRST_SECOND + (step.add % (counts.length + 5)) }
          rows = [
            ...rows.filter(({ id }) => !gone.has(id) && id !== moved),
            added,
            { id: moved, second: FIRST_SECOND + 99 },
          ]
        })
        const listed = new Set(ids)
        expect([...stable].filter((id) => !listed.has(id))).toEqual([])
        await close()
      }),
      { numRuns: 12 },
    )
  })

  test('takes a row more than asked for, and goes on', async () => {
    const rows = Array.from({ length: 1_001 }, (_, index) => bill(String(index + 1), FIRST_SECOND + index))
    const next = advance(startListing('created', null), rows, 1_000)
    expect(next).toMatchObject({ seen: ['1001'], offset: 0 })
  })

  test('inside one second keeps only the ids that are read again, however many rows that second has', () => {
    let cursor: ListingCursor = startListing('created', new Date(FIRST_SECOND * 1000))
    for (let page = 0; page < 20; page += 1) {
      const rows = Array.from({ length: 1_000 }, (_, row) => bill(String(page * 900 + row + 1), FIRST_SECOND))
      cursor = advance(cursor, rows, 1_000)!
      expect(cursor).toMatchObject({ offset: (page + 1) * 900 })
      expect(cursor.seen).toEqual(rows.slice(900).map(({ mapped }) => mapped.qboId))
    }
  })

  test('takes the latest of rows out of order for the last', () => {
    const rows = [bill('1', FIRST_SECOND + 9), bill('2', FIRST_SECOND + 3)]
    expect(advance(startListing('created', null), rows, 2)).toMatchObject({
      since: '2026-11-02T17:00:09.000Z'.replace('.000', ''),
      seen: ['1'],
    })
  })

  test('goes on behind rows without a time', () => {
    const rows = [listed('{"Id":"1"}'), listed('{"Id":"2"}')]
    // One of them is read again.
    expect(advance(startListing('created', null), rows, 2)).toMatchObject({ since: null, offset: 1 })
  })

  test('ends with an error when rows come from before the place that was asked for', () => {
    const start = startListing('created', new Date((FIRST_SECOND + 100) * 1000))
    const rows = [bill('1', FIRST_SECOND), bill('2', FIRST_SECOND + 1)]
    expect(() => advance(start, rows, 2)).toThrow(
      expect.objectContaining({ code: 'unavailable', details: { intuitTid: '1-tid' } }),
    )
  })

  test('every cursor is a later place than the one before', () => {
    const start = startListing('created', new Date(FIRST_SECOND * 1000))
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 12 }),
        fc.nat({ max: 5 }),
        (seconds, offset) => {
          const from = { ...start, offset }
          const next = advance(
            from,
            seconds.map((second, index) => bill(String(index), FIRST_SECOND + second)),
            seconds.length,
          )
          const place = ({ since, offset: at }: ListingCursor) => Date.parse(since ?? '') * 1000 + at
          expect(next && place(next)).toBeGreaterThan(place(from))
        },
      ),
    )
  })
})

describe('a page with a record that cannot be served', () => {
  test.each([
    ['at its beginning', 0],
    ['at its end', 999],
    ['somewhere in it', 616],
    ['at the end of the listing', 2_499],
  ])('%s: every other record is read in a dozen calls or so', async (_where, at) => {
    const rows = rowsInSeconds(Array<number>(2_500).fill(1))
    const poisoned = String(at + 1)
    const { reader, server } = await open(
      () => rows,
      ({ id }) => id === poisoned,
    )
    const { ids, rejects } = await listAll(reader)
    expect([...new Set(ids)].sort(byNumber)).toEqual(idsOf(rows).filter((id) => id !== poisoned))
    expect(rejects).toEqual([
      {
        qboId: null,
        position: expect.stringMatching(/^CreateTime(>=2026-11-02T17:\d\d:\d\d\+00:00)? #\d$/),
        payload: '',
        reason: expect.objectContaining({
          code: 'poisoned_page',
          details: expect.objectContaining({ faultCode: '10000' }),
        }),
      },
    ])
    // Three pages without it; log2(1000) = 10 halvings, at most two calls each, one behind and one again.
    expect(server.statements().length).toBeLessThanOrEqual(3 + 22)
  })

  test.each<[number, string]>([
    [400, '4002'],
    [500, '4002'],
    [200, '10000'],
    [400, '610'],
    [400, '2010'],
    [400, '4001'],
    [500, '99999'],
  ])('is found whatever it is refused with: %i, fault %s', async (status, code) => {
    const rows = rowsInSeconds(Array<number>(30).fill(1))
    const { reader } = await open(
      () => rows,
      ({ id }) => id === '12',
      { status, code },
    )
    const { ids, rejects } = await listAll(reader)
    expect([...new Set(ids)].sort(byNumber)).toEqual(idsOf(rows).filter((id) => id !== '12'))
    expect(rejects).toMatchObject([
      { qboId: null, reason: { code: 'poisoned_page', details: { faultCode: code } } },
    ])
  })

  test.each([
    ['at the beginning', 1],
    ['among others', 700],
  ])('and many in a row, as an import leaves them, are each a reject: %s', async (_where, first) => {
    const rows = rowsInSeconds(Array<number>(1_500).fill(1))
    const isBad = ({ id }: TinyRow) => Number(id) >= first && Number(id) < first + 40
    const { reader } = await open(() => rows, isBad)
    const { ids, rejects } = await listAll(reader)
    expect([...new Set(ids)].sort(byNumber)).toEqual(idsOf(rows.filter((row) => !isBad(row))))
    expect(rejects).toHaveLength(40)
  })

  test.each<[number, string, string]>([
    [400, '4000', 'internal'],
    [400, '4001', 'internal'],
    [400, '2010', 'internal'],
    [400, '610', 'not_found'],
    [400, '4002', 'unavailable'],
  ])('a fault %i %s that every record meets is %s, and makes no rejects', async (status, code, error) => {
    const rows = rowsInSeconds(Array<number>(2_000).fill(1))
    const { reader, server } = await open(
      () => rows,
      () => true,
      { status, code },
    )
    await expect(listAll(reader)).rejects.toMatchObject({ code: error, details: { faultCode: code } })
    expect(server.statements().length).toBeLessThan(20)
  })

  test('seconds with many rows make no difference', async () => {
    const rows = rowsInSeconds([700, 5, 400, 1_200, 3])
    const poisoned = new Set(['650', '1107', '2000'])
    const { reader } = await open(
      () => rows,
      ({ id }) => poisoned.has(id),
    )
    const { ids, rejects } = await listAll(reader)
    expect([...new Set(ids)].sort(byNumber)).toEqual(idsOf(rows).filter((id) => !poisoned.has(id)))
    expect(rejects.length).toBeGreaterThanOrEqual(poisoned.size)
  })

  test('neighbours that cannot be served are each a reject', async () => {
    const rows = rowsInSeconds(Array<number>(50).fill(1))
    const poisoned = new Set(['20', '21', '22', '40'])
    const { reader } = await open(
      () => rows,
      ({ id }) => poisoned.has(id),
    )
    const { ids, rejects } = await listAll(reader)
    expect([...new Set(ids)].sort(byNumber)).toEqual(idsOf(rows).filter((id) => !poisoned.has(id)))
    expect(new Set(rejects.map(({ position }) => position)).size).toBe(4)
  })

  test('a fault that passes rejects nothing', async () => {
    const rows = rowsInSeconds(Array<number>(1_500).fill(1))
    // Fails down to a single row, and works from the next call on.
    let failuresLeft = 11
    const { reader } = await open(
      () => {
        failuresLeft -= 1
        return rows
      },
      () => failuresLeft >= 0,
    )
    const { ids, rejects } = await listAll(reader)
    expect(rejects).toEqual([])
    expect([...new Set(ids)].sort(byNumber)).toEqual(idsOf(rows))
  })

  test('when nothing can be served at all, it is QuickBooks that does not work', async () => {
    const rows = rowsInSeconds(Array<number>(2_000).fill(1))
    const { reader, server } = await open(
      () => rows,
      () => true,
    )
    await expect(listAll(reader)).rejects.toMatchObject({
      code: 'unavailable',
      details: { faultCode: '10000' },
    })
    expect(server.statements().length).toBeLessThan(20)
  })
})

test('rows of a listing that have no id or no time of creation are rejected by their place', async () => {
  const rows = [
    { id: '1', second: FIRST_SECOND },
    { id: 'x', second: FIRST_SECOND },
  ]
  const { reader } = await open(() => rows)
  const { page } = await reader.listPage('bill', startListing('created', null))
  expect(page.changes.map(({ qboId }) => qboId)).toEqual(['1'])
  expect(page.rejects).toMatchObject([
    { qboId: null, position: 'CreateTime #2', reason: { code: 'invalid_payload' } },
  ])
})

function advance(cursor: ListingCursor, rows: readonly ListedRow[], asked: number): ListingCursor | null {
  return advanceBehind(cursor, { rows, intuitTid: '1-tid' }, asked)
}

function bill(id: string, second: number) {
  const time = new Date(second * 1000).toISOString()
  return listed(`{"Id":"${id}","MetaData":{"CreateTime":"${time}","LastUpdatedTime":"${time}"}}`)
}

function listed(text: string): ListedRow {
  return toListedRow('bill', parseJson(text), { homeCurrency: 'USD' })
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b)
}
