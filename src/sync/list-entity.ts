import { rowsOf, type Tx } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { startListing, type ListingCursor } from '../quickbooks/listing-cursor.ts'
import type { ListingPage } from '../quickbooks/quickbooks.ts'
import { fenced } from './fenced.ts'
import { settleListing } from './settle-listing.ts'
import { countHeld } from './count-held.ts'
import { stateOf, type Listing } from './entity-state.ts'
import { resumableListing } from './resumable-listing.ts'
import type { Run } from './run.ts'
import { writePage } from './write-page.ts'
import { resolveUnmet } from './unreadable-records.ts'
import { noteComplete, noteListed } from './run-progress.ts'

/**
 * Lists an entity completely, oldest record first, and finds what QuickBooks no longer has. The place is kept with
 * each page, so that a later run can resume there; the watermark it will set is the time at which it began.
 *
 * @param startedAt QuickBooks' time of this run's first answer.
 */
export async function listEntity(run: Run, entity: Entity, startedAt: Date): Promise<void> {
  const resumed = resumableListing(run, entity)
  if (!resumed || resumed.cursor) await listToEnd(run, entity, resumed, startedAt)
  noteComplete(run, entity, resumed ? new Date(resumed.startedAt) : startedAt)
}

/** Lists from the kept place, or from the first record, to the end, and settles what the listing did not show. */
async function listToEnd(run: Run, entity: Entity, resumed: Listing | null, startedAt: Date): Promise<void> {
  const listing = resumed ?? {
    startedAt: startedAt.toISOString(),
    request: run.servedRequest,
    cursor: startListing('created', null),
  }
  const seen = resumed ? await seenBefore(run, entity, resumed) : new Set<string>()
  const unreadable = new Set<string>()
  const { end, ...listed } = await listPages(run, entity, listing, { seen, unreadable })
  // Before settling: a record that could be read this time must not confuse the count.
  if (!resumed) await fenced(run, (tx) => resolveUnmet(tx, run, entity, unreadable))
  run.advanced.delete(entity)
  noteListed(run, entity, new Date(listing.startedAt))
  await settleListing(run, entity, { end, seen, whole: !resumed })
  await fenced(run, (tx) => saveListing(tx, run, entity, { ...listing, ...listed, cursor: null }))
}

/** Lists what changed since a moment, oldest change first: more than fits an answer of change data capture. */
export async function listChanges(run: Run, entity: Entity, since: Date): Promise<void> {
  let cursor: ListingCursor | null = startListing('changed', since)
  while (cursor) {
    const { page, next }: ListingPage = await run.reader.listPage(entity, cursor)
    await writePage(run, entity, page, { authoritative: true })
    cursor = next
  }
}

/**
 * Writes the remaining pages of a listing, and keeps the place with each.
 *
 * @returns how far it came, and the cursor of the last page: where anything created since would follow.
 * @throws LedgerError when the run gives way to others; the place is kept.
 */
async function listPages(
  run: Run,
  entity: Entity,
  listing: Listing,
  { seen, unreadable }: { readonly seen: Set<string>; readonly unreadable: Set<string> },
): Promise<Listed> {
  let cursor = listing.cursor ?? startListing('created', null)
  let expected = listing.expected ?? null
  let pages = listing.done?.pages ?? 0
  let fetching = run.reader.listPage(entity, cursor)
  for (;;) {
    const { page, next } = await fetching
    if (next && expected === null) expected = await countExpected(run, entity)
    const givesWay = next !== null && (await run.mustGiveWay())
    // The next page is fetched while this one is written. Its failure surfaces when it is awaited, not before.
    const upcoming = next && !givesWay ? run.reader.listPage(entity, next) : null
    upcoming?.catch(() => undefined)
    for (const { qboId } of [...page.changes, ...page.rejects]) if (qboId !== null) seen.add(qboId)
    for (const { qboId, position } of page.rejects) if (qboId === null && position) unreadable.add(position)
    pages += 1
    const listed = { done: { pages, rows: seen.size + unreadable.size }, expected }
    try {
      await writePage(run, entity, page, {
        authoritative: true,
        compares: true,
        along: (tx) => saveListing(tx, run, entity, { ...listing, ...listed, cursor: next ?? cursor }),
      })
    } catch (error) {
      // The run ends here with the page's error, and a call that ended after it would never be recorded.
      await upcoming?.catch(() => undefined)
      throw error
    }
    run.advanced.add(entity)
    if (givesWay) giveWay(run)
    if (!next || !upcoming) return { ...listed, end: cursor }
    cursor = next
    fetching = upcoming
  }
}

interface Listed extends Pick<Listing, 'done' | 'expected'> {
  readonly end: ListingCursor
}

/**
 * How many records a listing of several pages meets in all: as many as are held here, or for a first one as QuickBooks
 * counts, by one call beside those for its pages. Only whoever waits is told, so a failure of the call fails nothing.
 */
async function countExpected(run: Run, entity: Entity): Promise<number> {
  if (stateOf(run, entity).watermark) return countHeld(run, entity)
  try {
    return (await run.reader.count(entity)).count
  } catch {
    // What is wrong with the company or the app fails the next page as well, with the same words.
    return 0
  }
}

/** Only after the place is kept: a page that could not be written is a failure like any other. */
function giveWay(run: Run): never {
  run.gaveWay = true
  throw new LedgerError('unavailable', 'the run gives way to others')
}

async function saveListing(tx: Tx, run: Run, entity: Entity, listing: Listing): Promise<void> {
  await tx.trx.raw(
    `INSERT INTO sync_states (realm_id, entity, listing)
     VALUES (:realmId, :entity, CAST(:listing AS jsonb))
     ON CONFLICT (realm_id, entity) DO UPDATE SET listing = excluded.listing`,
    { realmId: run.realmId, entity, listing: JSON.stringify(listing) },
  )
}

/** What the pages before a crash brought: any answer since the listing began shows that the record is alive. */
async function seenBefore(run: Run, entity: Entity, { startedAt }: Listing): Promise<Set<string>> {
  const rows = await rowsOf<{ qboId: string }>(
    run.database.knex,
    `SELECT qbo_id AS "qboId"
       FROM ${MIRRORED_TABLES[entity].table}
      WHERE realm_id = :realmId AND observed_at >= :startedAt AND deleted_at IS NULL`,
    { realmId: run.realmId, startedAt },
  )
  return new Set(rows.map((row) => row.qboId))
}
