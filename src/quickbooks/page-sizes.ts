import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { PAGE_ROWS } from './build-query.ts'
import type { QueryAnswer } from './listed-row.ts'

/** Keeps from one run to the next how many rows of an entity are asked for in one page. */
export interface PageRows {
  /** Null where nothing was kept: then a page begins as large as QuickBooks serves it. */
  read(entity: Entity): number | null
  keep(entity: Entity, rows: number): Promise<void>
}

/** How many rows to ask for, as the answers so far teach it. */
export interface PageSizes {
  rows(entity: Entity): number
  /** Learns from a page that came. */
  noteServed(entity: Entity, asked: number, answer: QueryAnswer): Promise<void>
  /** Learns from one that was too much; what is learnt is kept before anything else is asked. */
  noteTooMuch(entity: Entity, asked: number, why: 'late' | 'heavy'): Promise<void>
}

// A thousand invoices of a dozen lines. Up to 16 such pages, of 8 runs, one in writing and one that waits, fit into
// a heap of 256 MB also where each character takes two bytes.
const TARGET_BYTES = 4_000_000
// 1,000 rows that were too much become 250, 62, 15, 3, 1: five calls at most until anything passes.
const SHRINK = 4
const GROWTH = 2
// Fewer rows of a QuickBooks that is just slow would only mean more calls.
export const FEWEST_FOR_TIME = 25

export function createPageSizes(memory: PageRows | undefined): PageSizes {
  const sizes = new Map<Entity, number>()
  const wereLate = new Set<Entity>()
  const rowsOf = (entity: Entity) => sizes.get(entity) ?? memory?.read(entity) ?? PAGE_ROWS
  const set = async (entity: Entity, rows: number) => {
    if (rows === rowsOf(entity)) return
    sizes.set(entity, rows)
    await memory?.keep(entity, rows)
  }
  return {
    rows: rowsOf,
    async noteServed(entity, asked, { rows, bytes }) {
      if (bytes > TARGET_BYTES) await set(entity, fitting(rows.length, bytes))
      // Where one size was late in this run, the next one up may be late again, and cost two minutes.
      else if (rows.length >= asked && !wereLate.has(entity)) await set(entity, grown(asked, bytes))
    },
    async noteTooMuch(entity, asked, why) {
      if (why === 'late') wereLate.add(entity)
      const fewest = why === 'late' ? FEWEST_FOR_TIME : 1
      await set(entity, Math.max(fewest, Math.floor(asked / SHRINK)))
    },
  }
}

/** Why fewer rows might be served than those of a call that failed; undefined where that changes nothing. */
export function fewerMayDo(error: unknown): 'record' | 'late' | 'heavy' | undefined {
  return error instanceof LedgerError ? error.details.fewerMayDo : undefined
}

function grown(asked: number, bytes: number): number {
  return Math.min(PAGE_ROWS, Math.ceil(asked * GROWTH), Math.max(asked, fitting(asked, bytes)))
}

function fitting(rows: number, bytes: number): number {
  return Math.max(1, Math.min(PAGE_ROWS, Math.floor((rows * TARGET_BYTES) / bytes)))
}
