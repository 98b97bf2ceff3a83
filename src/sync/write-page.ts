import type { Tx } from '../db/database.ts'
import type { Change, Page, Reject } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { applyChanges, type Applied } from './apply-changes.ts'
import { postgresWords } from '../db/postgres-error.ts'
import { fenced } from './fenced.ts'
import { keepRejects, resolveRejects } from './keep-rejects.ts'
import type { Run } from './run.ts'
import { addCounts, noteRejected } from './run-progress.ts'

export interface PageOptions {
  /** The page comes from a listing or a reading by id, not from change data capture. */
  readonly authoritative: boolean
  /** The page is part of a complete listing: what it corrects and nothing had reported is drift. */
  readonly compares?: boolean
  /** More to write in the transaction of the page, such as how far the listing has come. */
  readonly along?: (tx: Tx) => Promise<void>
}

/**
 * Writes one page into the mirror in one transaction. When Postgres itself refuses a record (a null byte, a number
 * beyond its range), the page is halved until that record stands alone, and it is rejected.
 */
export async function writePage(run: Run, entity: Entity, page: Page, options: PageOptions): Promise<void> {
  addCounts(run, entity, { fetched: page.changes.length + page.rejects.length })
  const refused = await writeWholeOrHalves(run, entity, latestOfEach(page.changes), page, options)
  if (refused.length > 0)
    await writeTogether(run, entity, { ...page, changes: [], rejects: refused }, options)
}

/** @returns the records that Postgres refused; none if the whole page is done. */
async function writeWholeOrHalves(
  run: Run,
  entity: Entity,
  changes: readonly Change[],
  page: Page,
  options: PageOptions,
): Promise<Reject[]> {
  try {
    await writeTogether(run, entity, { ...page, changes }, options)
    return []
  } catch (error) {
    if (!isRefusalOfData(error)) throw error
    const refused = await writeHalves(run, entity, changes, page, options)
    return [...page.rejects, ...refused]
  }
}

/** One transaction: the changes of a page, its rejects, and whatever is to be written with it. */
async function writeTogether(run: Run, entity: Entity, page: Page, options: PageOptions): Promise<void> {
  let applied: Applied = { counts: {}, drift: [] }
  await fenced(run, async (tx) => {
    applied = await applyChanges(tx, run, entity, page, options)
    // Rejects first: where one answer holds a record twice, its reject stays open until it is read by id.
    if (run.openRejects.has(entity)) await resolveRejects(tx, run, entity, page, options)
    await keepRejects(tx, run, entity, page)
    await options.along?.(tx)
  })
  noteRejected(run, entity, page.rejects.length)
  addCounts(run, entity, applied.counts)
  if (applied.drift.length > 0) run.drift.set(entity, [...(run.drift.get(entity) ?? []), ...applied.drift])
}

/** Halves until the refused record stands alone; everything else is written on the way. */
async function writeHalves(
  run: Run,
  entity: Entity,
  changes: readonly Change[],
  page: Page,
  options: PageOptions,
): Promise<Reject[]> {
  const middle = Math.ceil(changes.length / 2)
  const refused: Reject[] = []
  for (const half of [changes.slice(0, middle), changes.slice(middle)]) {
    if (half.length === 0) continue
    try {
      await writeTogether(
        run,
        entity,
        { ...page, changes: half, rejects: [] },
        { authoritative: options.authoritative, compares: options.compares === true },
      )
    } catch (error) {
      if (!isRefusalOfData(error)) throw error
      refused.push(
        ...(half.length === 1
          ? [asReject(half[0]!, error)]
          : await writeHalves(run, entity, half, page, options)),
      )
    }
  }
  return refused
}

function asReject(change: Change, cause: Error): Reject {
  return {
    qboId: change.qboId,
    position: null,
    payload: change.kind === 'version' ? change.raw : '',
    sourceUpdatedAt: change.sourceUpdatedAt,
    reason: new LedgerError('invalid_payload', `Postgres cannot hold the record: ${postgresWords(cause)}`, {
      cause,
    }),
  }
}

// SQLSTATE class 22, "data exception": the fault lies in the values. 54000, "program limit exceeded": a value is too
// big for its place.
function isRefusalOfData(error: unknown): error is Error {
  const sqlState = error instanceof Error && 'code' in error ? String(error.code) : ''
  return sqlState.startsWith('22') || sqlState === '54000'
}

/** An answer may hold one id twice. A statement cannot write a row twice, and only the latest copy matters. */
function latestOfEach(changes: readonly Change[]): Change[] {
  const latest = new Map<string, Change>()
  for (const change of changes) {
    const other = latest.get(change.qboId)
    if (!other || change.sourceUpdatedAt >= other.sourceUpdatedAt) latest.set(change.qboId, change)
  }
  return [...latest.values()]
}
