import { deepStrictEqual } from 'node:assert'
import type { Books, QboObject } from '../../src/sandbox/sandbox.ts'
import type { TestMirror } from '../setup/mirror.ts'
import type { Choices } from './random.ts'

/** Transactions by the table that mirrors them. */
const TABLES = { Bill: 'bills', Invoice: 'invoices' } as const
const ENTITIES = { bills: 'bill', invoices: 'invoice' } as const
type Type = keyof typeof TABLES

// No date: a record that has it cannot be mapped. Whoever edits the record leaves it as it is.
const NO_DATE = 'whenever'

export interface Damaged {
  readonly key: string
  readonly type: Type
  readonly record: QboObject
}

/** Makes a record one that cannot be mapped. */
export function damage(books: Books, choices: Choices, now: Date): string {
  const types = (Object.keys(TABLES) as Type[]).filter((type) => books.records(type).length > 0)
  if (types.length === 0) return 'nothing: there is none'
  const type = choices.pick(types)
  const record = choices.pick(books.records(type))
  put(books, type, { ...record, DueDate: NO_DATE }, now)
  return `${type} ${record.Id}`
}

/** Makes all damaged records whole. */
export function mend(books: Books, now: Date): number {
  const all = damaged(books)
  for (const { type, record } of all) put(books, type, { ...record, DueDate: '2026-12-31' }, now)
  return all.length
}

/** The records that cannot be mapped as they stand. */
export function damaged(books: Books): Damaged[] {
  return (Object.keys(TABLES) as Type[]).flatMap((type) =>
    books
      .records(type)
      .filter((record) => record['DueDate'] === NO_DATE)
      .map((record) => ({ key: `${TABLES[type]} ${record.Id}`, type, record })),
  )
}

/** Each record that cannot be taken stands among the open rejects with what QuickBooks said of it. */
export async function checkRejected(
  mirror: TestMirror,
  realmId: string,
  unserved: ReadonlySet<string>,
): Promise<void> {
  const rejects = await openRejects(mirror, realmId)
  for (const { key, record } of damaged(mirror.sandbox.books(realmId))) {
    if (unserved.has(key)) continue
    const kept = rejects.filter(
      (reject) =>
        `${reject.table} ${reject.qboId}` === key &&
        reject.code === 'invalid_payload' &&
        JSON.parse(reject.payload)['DueDate'] === NO_DATE,
    )
    deepStrictEqual(kept.length, 1, `${key} (SyncToken ${record.SyncToken}) is neither taken nor rejected`)
  }
}

export interface OpenReject {
  readonly table: string
  readonly qboId: string | null
  readonly code: string
  readonly payload: string
}

export function openRejects(mirror: TestMirror, realmId: string): Promise<OpenReject[]> {
  return mirror.rows<OpenReject>(
    `SELECT CASE entity WHEN 'balance' THEN 'balances' ELSE entity || 's' END AS "table",
            qbo_id AS "qboId", code, payload
       FROM sync_rejects
      WHERE realm_id = :realmId AND resolved_at IS NULL`,
    { realmId },
  )
}

export function entityOf(key: string): string {
  const table = key.split(' ')[0] as keyof typeof ENTITIES
  return ENTITIES[table]
}

function put(books: Books, type: Type, record: QboObject, now: Date): void {
  const second = `${now.toISOString().slice(0, 19)}+00:00`
  books.put(type, {
    ...record,
    SyncToken: String(Number(record.SyncToken) + 1),
    MetaData: { ...record.MetaData, LastUpdatedTime: second },
  })
}
