import type { Page, Reject } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { idsQuery } from './build-query.ts'
import { earliest } from './envelope.ts'
import type { QueryAnswer } from './listed-row.ts'
import { partRows } from './map-rows.ts'
import { FEWEST_FOR_TIME, fewerMayDo } from './page-sizes.ts'
import { isPoisoned } from './poisoned-page.ts'

export interface ReadByIds {
  readonly page: Page
  /** Ids that QuickBooks has no record for: deleted, or never existed. */
  readonly missing: string[]
}

// Room for ids in a URL that stays under 4 kB, the limit of some gateways.
const LONGEST_ID_LIST = 3_000
// Two percent-encoded apostrophes and a comma around each id.
const AROUND_ID = 7

// As in a listing: after this many single failures in a row we check whether QuickBooks works at all.
const FEW_SINGLE_FAILURES = 5
const MOST_SINGLE_FAILURES = 100
// No record has this id: the same query with it shows whether such queries are answered at all.
const ID_OF_NOTHING = '0'

/**
 * Reads records by their ids, at least one, in as few queries as URL length and page weight allow. A record that
 * QuickBooks cannot serve becomes a reject and is neither read nor missing. When nothing at all could be read, the same
 * query for an id that no record has tells whether the records or QuickBooks are at fault.
 *
 * @throws LedgerError the fault itself, when that query fails too
 */
export async function readByIds(
  entity: Entity,
  ids: readonly string[],
  query: Query,
  mostAtOnce: number,
): Promise<ReadByIds> {
  const asked = [...new Set(ids)]
  const found: Found = { answers: [], rejects: [], failuresInARow: 0 }
  for (const group of groupsOf(asked, mostAtOnce)) await readGroup(entity, group, query, found)
  if (found.answers.length === 0) await proveItWorks(entity, query, found)
  return toResult(asked, found, earliest(found.answers))
}

type Query = (conditions: string) => Promise<QueryAnswer>

interface Found {
  readonly answers: QueryAnswer[]
  readonly rejects: Reject[]
  failuresInARow: number
}

function groupsOf(ids: readonly string[], most: number): string[][] {
  const groups: string[][] = []
  let room = 0
  for (const id of ids) {
    room -= id.length + AROUND_ID
    if (room < 0 || groups.at(-1)?.length === most) {
      groups.push([])
      room = LONGEST_ID_LIST - id.length - AROUND_ID
    }
    groups.at(-1)?.push(id)
  }
  return groups
}

async function readGroup(entity: Entity, ids: readonly string[], query: Query, found: Found): Promise<void> {
  try {
    found.answers.push(await query(idsQuery(entity, ids)))
    found.failuresInARow = 0
  } catch (error) {
    if (ids.length === 1 && isPoisoned(error)) return noteUnreadable(ids[0]!, error, entity, query, found)
    const isLate = fewerMayDo(error) === 'late' && ids.length > FEWEST_FOR_TIME
    if (!isLate && !isPoisoned(error)) throw error
    const middle = Math.ceil(ids.length / 2)
    await readGroup(entity, ids.slice(0, middle), query, found)
    await readGroup(entity, ids.slice(middle), query, found)
  }
}

async function proveItWorks(entity: Entity, query: Query, found: Found): Promise<void> {
  found.answers.push(await query(idsQuery(entity, [ID_OF_NOTHING])))
}

async function noteUnreadable(
  qboId: string,
  error: LedgerError,
  entity: Entity,
  query: Query,
  found: Found,
): Promise<void> {
  found.failuresInARow += 1
  if (found.failuresInARow > MOST_SINGLE_FAILURES) throw error
  if (found.failuresInARow > FEW_SINGLE_FAILURES && found.answers.length === 0)
    await proveItWorks(entity, query, found)
  const { message, details } = error
  const reason = new LedgerError('poisoned_page', `QuickBooks cannot serve this record: ${message}`, {
    details,
  })
  found.rejects.push({ qboId, position: null, payload: '', reason })
}

function toResult(asked: readonly string[], found: Found, observedAt: Date): ReadByIds {
  const rows = found.answers.flatMap((answer) => answer.rows)
  const { changes, rejects } = partRows(
    rows,
    ({ mapped }) => mapped,
    (index) => `read by id #${index + 1}`,
  )
  const read = new Set([
    ...rows.map(({ mapped }) => mapped.qboId),
    ...found.rejects.map(({ qboId }) => qboId),
  ])
  return {
    page: { changes, rejects: [...rejects, ...found.rejects], observedAt },
    // A row without a readable id may be any of them.
    missing: read.has(null) ? [] : asked.filter((id) => !read.has(id)),
  }
}
