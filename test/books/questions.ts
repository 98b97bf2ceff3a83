import type { ListQuestion } from '../../src/books/read-list.ts'
import { readList } from '../../src/books/read-list.ts'
import type { BooksOptions, Mirror } from '../../src/books/standing.ts'
import type { Entity } from '../../src/domain/entity.ts'
import { INTERVAL_SECONDS, REALM, type TestMirror } from '../setup/mirror.ts'

export const PRESENT = { asOf: null, sourceAsOf: null }

export type Shown = Record<string, unknown> & { readonly qboId: string; readonly validFrom: string }

export function optionsOf({ database }: Pick<TestMirror, 'database'>): BooksOptions {
  return { database, intervalSeconds: INTERVAL_SECONDS }
}

export function listOf<Of extends Entity>(
  entity: Of,
  more: Partial<ListQuestion<Of>> = {},
): ListQuestion<Of> {
  return {
    realmId: REALM,
    entity,
    moment: PRESENT,
    filters: {},
    order: { by: 'qboId', descending: false },
    cursor: null,
    limit: 1000,
    withLines: false,
    ...more,
  }
}

export async function readPage(
  options: BooksOptions,
  question: ListQuestion,
): Promise<{ data: Shown[]; nextCursor: string | null; mirror: Mirror }> {
  const { data, nextCursor, mirror } = await readList(options, question)
  // As it is sent.
  return { data: JSON.parse(JSON.stringify(data)) as Shown[], nextCursor, mirror }
}

/** A list from its first page to its last; `between` is done before each further page. */
export async function readPages(
  options: BooksOptions,
  question: ListQuestion,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Shown[]> {
  const rows: Shown[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof readPage>> = await readPage(options, { ...question, cursor })
    rows.push(...page.data)
    cursor = page.nextCursor
    if (cursor !== null) await between()
  } while (cursor !== null)
  return rows
}

/** Postgres' own time, by which versions begin. */
export async function postgresNow({ rows }: Pick<TestMirror, 'rows'>): Promise<string> {
  const [row] = await rows<{ now: string }>(
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now`,
  )
  return row!.now
}
