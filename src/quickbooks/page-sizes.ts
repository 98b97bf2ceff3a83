import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { PAGE_ROWS } from './build-query.ts'
import type { QueryAnswer } from './listed-row.ts'

/** Remembers between runs how many rows of an entity to request per page. */
export interface PageRows {
  /** Null if nothing was kept: then pages start at the largest size QuickBooks serves. */
  read(entity: Entity): number | null
  keep(entity: Entity, rows: number): Promise<void>
}

/** How many rows to request, judging by the answers so far. */
export interface PageSizes {
  rows(entity: Entity): number
  /** Learns from a page that came. */
  noteServed(entity: Entity, asked: number, answer: QueryAnswer): Promise<void>
  /** Learns from one that was too much; the new size is saved before anything else is requested. */
  noteTooMuch(entity: Entity, asked: number, why: 'late' | 'heavy'): Promise<void>
}

// A thousand invoices of a dozen lines. Up to 16 such pages (8 runs, each with one being written and one waiting) fit
// into a heap of 256 MB even at two bytes per character.
const TARGET_BYTES = 4_000_000
// 1,000 rows that were too much become 250, 62, 15, 3, 1: at most five calls until anything passes.
const SHRINK = 4
const GROWTH = 2
// With a QuickBooks that is merely slow, fewer rows would only mean more calls.
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
      // If one size was late in this run, the next one up may be late again, and cost two minutes.
      else if (rows.length >= asked && !wereLate.has(entity)) await set(entity, grown(asked, bytes))
    },
    async noteTooMuch(entity, asked, why) {
      if (why === 'late') wereLate.add(entity)
      const fewest = why === 'late' ? FEWEST_FOR_TIME : 1
      await set(entity, Math.max(fewest, Math.floor(asked / SHRINK)))
    },
  }
}

/** Why a failed call might succeed with fewer rows; undefined if that would change nothing. */
export function fewerMayDo(error: unknown): 'record' | 'late' | 'heavy' | undefined {
  return error instanceof LedgerError ? error.details.fewerMayDo : undefined
}

function grown(asked: number, bytes: number): number {
  return Math.min(PAGE_ROWS, Math.ceil(asked * GROWTH), Math.max(asked, fitting(asked, bytes)))
}

function fitting(rows: number, bytes: number): number {
  return Math.max(1, Math.min(PAGE_ROWS, Math.floor((rows * TARGET_BYTES) / bytes)))
}
