import { startLoopbackServer, type LoopbackServer } from './loopback-server.ts'

export interface TinyRow {
  readonly id: string
  /** Epoch seconds. */
  second: number
  /** What its note weighs; next to nothing when left out. */
  readonly bytes?: number
}

export interface TinyQuickBooks extends LoopbackServer {
  /** Statements asked for, in order. */
  statements(): string[]
}

interface Slice {
  /** Null for any. */
  readonly ids: ReadonlySet<string> | null
  readonly sinceSecond: number
  readonly position: number
  readonly rows: number
}

/** How a page is refused that holds a record which cannot be served. */
export interface Refusal {
  readonly status: number
  readonly code: string
}

/** What becomes of a page of so many rows that takes too long. */
export type Lateness = (rows: number) => 'refused' | 'never answered' | null

const SYSTEM_FAULT: Refusal = { status: 500, code: '10000' }

/**
 * Bills that are nothing but an id and a second of creation, listed as QuickBooks lists them, over HTTP: the order
 * of rows within one second is that of the array.
 *
 * @param rows asked at every query, so that a test can change them between two pages
 * @param isPoisoned a page with such a row is refused as a whole
 */
export async function startTinyQuickBooks(
  rows: () => readonly TinyRow[],
  isPoisoned: (row: TinyRow) => boolean = () => false,
  refusal = SYSTEM_FAULT,
  lateness: Lateness = () => null,
): Promise<TinyQuickBooks> {
  const statements: string[] = []
  const server = await startLoopbackServer((request, response) => {
    const statement = new URL(request.url ?? '', 'http://127.0.0.1').searchParams.get('query') ?? ''
    statements.push(statement)
    const slice = readSlice(statement)
    const late = lateness(slice.rows)
    if (late === 'never answered') return
    if (late === 'refused') {
      response.writeHead(504, { 'Content-Type': 'application/json' })
      response.end(faultText({ code: '6002' }))
      return
    }
    const served = serve(rows(), slice)
    const isRefused = served.some(isPoisoned)
    response.writeHead(isRefused ? refusal.status : 200, { 'Content-Type': 'application/json' })
    response.end(isRefused ? faultText(refusal) : envelope(served))
  })
  return Object.assign(server, { statements: () => statements })
}

function faultText({ code }: Pick<Refusal, 'code'>): string {
  const error = { Message: 'Error processing query', Detail: '', code }
  return JSON.stringify({
    Fault: { Error: [error], type: 'ValidationFault' },
    time: '2026-11-22T07:15:02-08:00',
  })
}

function serve(rows: readonly TinyRow[], { ids, sinceSecond, position, rows: asked }: Slice): TinyRow[] {
  return rows
    .filter(({ id, second }) => second >= sinceSecond && (ids === null || ids.has(id)))
    .sort((a, b) => a.second - b.second)
    .slice(position - 1, position - 1 + asked)
}

function readSlice(statement: string): Slice {
  const since = /MetaData\.(?:CreateTime|LastUpdatedTime) >= '([^']+)'/.exec(statement)?.[1]
  const ids = /\bId IN \(([^)]*)\)/.exec(statement)?.[1]
  return {
    ids: ids === undefined ? null : new Set(ids.match(/\d+/g)),
    sinceSecond: since === undefined ? -Infinity : Date.parse(since) / 1000,
    position: Number(/STARTPOSITION (\d+)/.exec(statement)?.[1]),
    rows: Number(/MAXRESULTS (\d+)/.exec(statement)?.[1]),
  }
}

function envelope(rows: readonly TinyRow[]): string {
  return JSON.stringify({
    QueryResponse: rows.length === 0 ? {} : { Bill: rows.map(billOf), maxResults: rows.length },
    time: '2026-11-22T07:15:02.318-08:00',
  })
}

function billOf({ id, second, bytes = 0 }: TinyRow) {
  const time = `${new Date(second * 1000).toISOString().slice(0, 19)}+00:00`
  return {
    Id: id,
    TxnDate: '2026-11-18',
    TotalAmt: 1,
    Balance: 0,
    MetaData: { CreateTime: time, LastUpdatedTime: time },
    ...(bytes === 0 ? {} : { PrivateNote: 'x'.repeat(bytes) }),
  }
}
