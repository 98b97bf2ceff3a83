import { afterEach, describe, expect, test } from '@jest/globals'

import type { Entity } from '../../src/domain/entity.ts'
import { startListing, type ListingCursor } from '../../src/quickbooks/listing-cursor.ts'
import type { CompanyReader, QuickBooksOptions } from '../../src/quickbooks/quickbooks.ts'
import { createReplyReader } from '../../src/quickbooks/reply-reader.ts'
import { answering, startLoopbackServer } from './loopback-server.ts'
import { openCompany, openQuickBooks } from './open-company.ts'
import { startTinyQuickBooks, type Lateness, type TinyQuickBooks, type TinyRow } from './tiny-quickbooks.ts'

const TIME = '"time":"2026-11-22T07:15:02.318-08:00"'
const FIRST_SECOND = 1_793_638_800

const cleanUp: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

interface Opened {
  readonly reader: CompanyReader
  readonly server: TinyQuickBooks
  /** Rows that pages asked for, in order. */
  asked(): number[]
  /** What was kept, in order, each with how many pages had been asked for by then. */
  readonly kept: { readonly rows: number; readonly after: number }[]
}

async function open(
  rows: readonly TinyRow[],
  options: {
    readonly lateness?: Lateness
    readonly remembered?: number
    readonly quickBooks?: Partial<QuickBooksOptions>
  } = {},
): Promise<Opened> {
  const server = await startTinyQuickBooks(() => rows, undefined, undefined, options.lateness)
  cleanUp.push(() => server.close())
  const quickBooks = openQuickBooks(server, options.quickBooks)
  cleanUp.push(() => quickBooks.close())
  const kept: { rows: number; after: number }[] = []
  const asked = () =>
    server.statements().map((statement) => Number(/MAXRESULTS (\d+)/.exec(statement)?.[1] ?? 0))
  const { reader } = openCompany(quickBooks, {
    pageRows: {
      read: () => options.remembered ?? null,
      keep: async (_entity: Entity, count) => {
        kept.push({ rows: count, after: asked().length })
      },
    },
  })
  return { reader, server, asked, kept }
}

async function listAll(reader: CompanyReader) {
  const ids = new Set<string>()
  const rejects = []
  let cursor: ListingCursor | null = startListing('created', null)
  while (cursor) {
    const { page, next }: Awaited<ReturnType<CompanyReader['listPage']>> = await reader.listPage(
      'bill',
      cursor,
    )
    for (const { qboId } of page.changes) ids.add(qboId)
    rejects.push(...page.rejects)
    cursor = next
  }
  return { ids: [...ids].sort((a, b) => Number(a) - Number(b)), rejects }
}

function rowsOf(count: number, bytes = 0): TinyRow[] {
  return Array.from({ length: count }, (_, index) => ({
    id: String(index + 1),
    second: FIRST_SECOND + index,
    bytes,
  }))
}

function idsOf(rows: readonly TinyRow[]): string[] {
  return rows.map(({ id }) => id)
}

describe('a page that QuickBooks cannot serve in time', () => {
  test.each(['refused', 'never answered'] as const)(
    'and is %s is asked for with fewer rows',
    async (late) => {
      const rows = rowsOf(1_505)
      const opened = await open(rows, {
        lateness: (asked) => (asked > 500 ? late : null),
        quickBooks: { callTimeoutMs: late === 'refused' ? 30_000 : 1_500 },
      })
      expect(await listAll(opened.reader)).toEqual({ ids: idsOf(rows), rejects: [] })
      expect(opened.asked()).toEqual([1_000, ...Array<number>(7).fill(250)])
      // Before the next page is asked for: the process may not live to see it.
      expect(opened.kept).toEqual([{ rows: 250, after: 1 }])
    },
  )

  test('in any size fails the run after a few attempts, and what was learnt is kept', async () => {
    const opened = await open(rowsOf(100), { lateness: () => 'refused' })
    await expect(listAll(opened.reader)).rejects.toMatchObject({ code: 'unavailable' })
    expect(opened.asked()).toEqual([1_000, 250, 62])
    expect(opened.kept.map(({ rows }) => rows)).toEqual([250, 62, 25])
  })

  test('because of one record has that record rejected in the end', async () => {
    const rows = rowsOf(40)
    const server = await startTinyQuickBooks(
      () => rows,
      ({ id }) => id === '7',
      { status: 504, code: '6002' },
    )
    cleanUp.push(() => server.close())
    const quickBooks = openQuickBooks(server)
    cleanUp.push(() => quickBooks.close())
    const { reader } = openCompany(quickBooks, { pageRows: { read: () => 25, keep: async () => undefined } })
    const { ids, rejects } = await listAll(reader)
    expect(ids).toEqual(idsOf(rows).filter((id) => id !== '7'))
    expect(rejects).toMatchObject([{ qboId: null, reason: { code: 'poisoned_page' } }])
  })

  test('grows again with the next run, page by page', async () => {
    const opened = await open(rowsOf(2_000), { remembered: 100 })
    await listAll(opened.reader)
    expect(opened.asked().slice(0, 5)).toEqual([100, 200, 400, 800, 1_000])
    expect(opened.kept.at(-1)).toMatchObject({ rows: 1_000 })
  })
})

describe('a page that is heavy', () => {
  test('is not received to its end, and is asked for with fewer rows', async () => {
    const rows = rowsOf(400, 60_000)
    const opened = await open(rows)
    expect(await listAll(opened.reader)).toEqual({ ids: idsOf(rows), rejects: [] })
    const [first, second, third, ...others] = opened.asked()
    expect([first, second, third]).toEqual([1_000, 250, 62])
    // 4 MB of 60 kB each.
    for (const count of others) expect(count).toBeLessThanOrEqual(66)
    expect(opened.kept.slice(0, 2)).toEqual([
      { rows: 250, after: 1 },
      { rows: 62, after: 2 },
    ])
  })

  test('and could be received makes the next one lighter', async () => {
    const opened = await open(rowsOf(1_500, 6_000))
    await listAll(opened.reader)
    const [first, ...others] = opened.asked()
    expect(first).toBe(1_000)
    expect(others[0]).toBeGreaterThan(600)
    expect(others[0]).toBeLessThan(667)
  })

  test('is none at 4 kB a row: a thousand are asked for, and no call is lost', async () => {
    const rows = rowsOf(2_500, 3_800)
    const opened = await open(rows)
    expect((await listAll(opened.reader)).ids).toEqual(idsOf(rows))
    expect(opened.asked()).toEqual([1_000, 1_000, 1_000])
    expect(opened.kept).toEqual([])
  })

  test('because of a record of 3 MB, the most that QuickBooks allows, is taken with it', async () => {
    const rows = rowsOf(30, 500_000).map((row) => (row.id === '9' ? { ...row, bytes: 3_000_000 } : row))
    const opened = await open(rows)
    expect(await listAll(opened.reader)).toEqual({ ids: idsOf(rows), rejects: [] })
  })

  test('because of a record that no size makes light is read around it', async () => {
    const rows = rowsOf(30).map((row) => (row.id === '9' ? { ...row, bytes: 13_000_000 } : row))
    const opened = await open(rows)
    const { ids, rejects } = await listAll(opened.reader)
    expect(ids).toEqual(idsOf(rows).filter((id) => id !== '9'))
    expect(rejects).toEqual([
      {
        qboId: null,
        position: expect.stringContaining('#'),
        payload: '',
        reason: expect.objectContaining({ code: 'poisoned_page' }),
      },
    ])
  })

  test('of records asked for by their ids is halved', async () => {
    const rows = rowsOf(30, 1_000_000)
    const opened = await open(rows)
    const { page, missing } = await opened.reader.byIds('bill', idsOf(rows))
    expect(new Set(page.changes.map(({ qboId }) => qboId))).toEqual(new Set(idsOf(rows)))
    expect(missing).toEqual([])
    expect(opened.asked().length).toBeGreaterThan(1)
  })

  test('of changes says that fewer may do', async () => {
    const server = await startLoopbackServer(answering(200, ' '.repeat(13_000_000)))
    cleanUp.push(() => server.close())
    const quickBooks = openQuickBooks(server)
    cleanUp.push(() => quickBooks.close())
    const { reader, calls } = openCompany(quickBooks)
    await expect(reader.changes(['bill'], new Date(0))).rejects.toMatchObject({
      code: 'unavailable',
      details: { fewerMayDo: 'heavy', intuitTid: '1-test-tid' },
    })
    expect(calls).toMatchObject([{ operation: 'cdc', status: '200', metered: true }])
  })
})

describe('an answer that is read in the other thread', () => {
  test('is given up with the thread', async () => {
    const replies = createReplyReader()
    const bytes = new TextEncoder().encode(`{"QueryResponse":{"totalCount":7},${TIME}${' '.repeat(300_000)}}`)
    const reading = replies.read(
      { status: 200, headers: {}, bytes },
      { kind: 'count' },
      { operation: 'count', secrets: [], nowMs: 0 },
    )
    const failure = expect(reading).rejects.toMatchObject({ code: 'unavailable' })
    replies.close()
    await failure
  })

  const META =
    '"MetaData":{"CreateTime":"2026-11-20T10:01:09-08:00","LastUpdatedTime":"2026-11-22T07:12:40-08:00"}'
  const ROWS = [
    `{"Id":"1","TxnDate":"2026-11-18","TotalAmt":12345678901234567890.10,"Balance":0,${META}}`,
    `{"Id":"2","TxnDate":"2026-11-18","TotalAmt":"much","Balance":0,${META}}`,
    `{"TxnDate":"2026-11-18",${META}}`,
    `{"Id":"4","status":"Deleted",${META}}`,
  ].join(',')
  // White space weighs as much as anything else.
  const padded = (body: string) => body.replace(/}$/, `${' '.repeat(300_000)}}`)

  async function readerOf(body: string): Promise<CompanyReader> {
    const server = await startLoopbackServer(answering(200, body))
    cleanUp.push(() => server.close())
    const quickBooks = openQuickBooks(server)
    cleanUp.push(() => quickBooks.close())
    return openCompany(quickBooks).reader
  }

  test.each<[string, string, (reader: CompanyReader) => Promise<unknown>]>([
    [
      'a page',
      `{"QueryResponse":{"Bill":[${ROWS}]},${TIME}}`,
      (reader) => reader.listPage('bill', startListing('created', null)),
    ],
    [
      'changes',
      `{"CDCResponse":[{"QueryResponse":[{"Bill":[${ROWS}]},{}]}],${TIME}}`,
      (reader) => reader.changes(['bill', 'invoice'], new Date(0)),
    ],
    ['a count', `{"QueryResponse":{"totalCount":7},${TIME}}`, (reader) => reader.count('bill')],
    ['a company', `{"CompanyInfo":{"CompanyName":"A"},${TIME}}`, (reader) => reader.companyInfo()],
    ['preferences', `{"Preferences":{},${TIME}}`, (reader) => reader.preferences()],
  ])('is the same as at once: %s', async (_what, body, read) => {
    const atOnce = await read(await readerOf(body))
    expect(await read(await readerOf(padded(body)))).toEqual(atOnce)
  })

  test('fails as at once', async () => {
    const fault = `{"Fault":{"Error":[{"Message":"M","Detail":"D","code":"6190"}],"type":"ValidationFault"},${TIME}}`
    await expect((await readerOf(padded(fault))).count('bill')).rejects.toMatchObject({
      name: 'LedgerError',
      code: 'company_unavailable',
      details: { faultCode: '6190', intuitTid: '1-test-tid' },
    })
  })
})
