import { rowsOf } from '../db/database.ts'
import type { Page, Tombstone } from '../domain/change.ts'
import { ENTITIES, type Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { startListing, type ListingCursor } from '../quickbooks/listing-cursor.ts'
import { readKnown } from './known-records.ts'
import { countsOf, OVERLAP_MS, type Run } from './run.ts'
import { takePage } from './take-page.ts'

export interface FinishedListing {
  readonly end: ListingCursor
  /** Every id that the listing met. */
  readonly seen: Set<string>
  /** Read by this run from its first page on. Of a resumed one it is not known which unchanged records it met. */
  readonly whole: boolean
}

// Records created while we listed stand behind the last page. What the first look does not find there was passed over
// further up, as rows of one second may be that come in another order with every page: the others read it all again.
const LOOKS = 3
// A handful of records may well go at once; half of a company's does not.
const FEW_RECORDS = 20

/**
 * Holds a finished listing against QuickBooks' own count. Fewer here: records came since, or the listing ended
 * early. As many or more here: those that the listing did not meet may be gone, and each is asked for by its id
 * before that is believed.
 *
 * @throws LedgerError `unavailable` when the listing cannot be shown to be complete, `mass_disappearance` when more
 * than half of the entity's records are gone and these are not few, or most of the company's are.
 */
export async function settleListing(run: Run, entity: Entity, listing: FinishedListing): Promise<void> {
  for (let look = 1; look <= LOOKS; look += 1) {
    const { count } = await run.reader.count(entity)
    const held = await countHeld(run, entity)
    // Even then one record may be gone and another one new.
    if (held === count && !listing.whole) return
    if (held >= count && (await takeDeletes(run, entity, listing.seen, held - count))) return
    await takeMissing(
      run,
      entity,
      look === 1 ? { ...listing.end, seen: [] } : startListing('created', null),
      listing.seen,
    )
  }
  throw new LedgerError(
    'unavailable',
    `QuickBooks counts ${entity} records among its own that its listing does not show; nothing was deleted`,
  )
}

/** True when QuickBooks counts as many records as the mirror holds: then nothing is missing and nothing extra. */
export async function countsAgree(run: Run, entity: Entity): Promise<boolean> {
  const { count } = await run.reader.count(entity)
  return (await countHeld(run, entity)) === count
}

/** Live records, and those that exist in QuickBooks but could not be taken. */
async function countHeld(run: Run, entity: Entity): Promise<number> {
  const { table } = MIRRORED_TABLES[entity]
  const [row] = await rowsOf<{ held: number }>(
    run.database.knex,
    `SELECT (SELECT count(*) FROM ${table} t WHERE t.realm_id = :realmId AND t.deleted_at IS NULL)
          + (SELECT count(*) FROM sync_rejects r
              WHERE r.realm_id = :realmId AND r.entity = :entity AND r.resolved_at IS NULL
                AND NOT EXISTS (SELECT FROM ${table} t
                                 WHERE t.realm_id = r.realm_id AND t.qbo_id = r.qbo_id AND t.deleted_at IS NULL))
         AS held`,
    { realmId: run.realmId, entity },
  )
  return row?.held ?? 0
}

/** Takes what the listing did not meet, from a place of it on. */
async function takeMissing(run: Run, entity: Entity, from: ListingCursor, seen: Set<string>): Promise<void> {
  let cursor: ListingCursor | null = from
  while (cursor) {
    const { page, next }: { page: Page; next: ListingCursor | null } = await run.reader.listPage(
      entity,
      cursor,
    )
    const isNew = ({ qboId }: { qboId: string | null }) => qboId === null || !seen.has(qboId)
    const newcomers = { ...page, changes: page.changes.filter(isNew), rejects: page.rejects.filter(isNew) }
    for (const { qboId } of newcomers.changes) seen.add(qboId)
    await takePage(run, entity, newcomers, { authoritative: true, compares: true })
    cursor = next
  }
}

/**
 * @param surplus how many more records are held than QuickBooks counts: no more than these can be gone.
 * @returns false when more seem to be gone: then others came, or QuickBooks contradicts itself, and nothing was done.
 */
async function takeDeletes(
  run: Run,
  entity: Entity,
  seen: ReadonlySet<string>,
  surplus: number,
): Promise<boolean> {
  // A record that could not be read at all may be any of those that the listing did not meet.
  if (await hasUnreadable(run, entity)) return true
  const { unseen, held } = await findUnseen(run, entity, seen)
  if (unseen.length === 0) return true
  const { page, missing } = await run.reader.byIds(entity, unseen)
  if (missing.length > surplus) return false
  if (missing.length > held / 2 && (missing.length > FEW_RECORDS || (await isMostOfCompany(run)))) {
    throw new LedgerError(
      'mass_disappearance',
      `${missing.length} of ${held} ${entity} records vanished from QuickBooks at once; nothing was deleted`,
    )
  }
  await takePage(run, entity, page, { authoritative: true, compares: true })
  const tombstones = await inferTombstones(run, entity, missing, page.observedAt)
  await takePage(
    run,
    entity,
    { ...page, changes: tombstones, rejects: [] },
    { authoritative: true, compares: true },
  )
  countsOf(run, entity).fetched -= missing.length
  return true
}

/**
 * When a record went is nowhere to be read: at the latest when it was looked for. One that changed within the overlap
 * before may only not show yet, in a QuickBooks that lags behind itself; no later than its last change is said of
 * that one, so that change data capture, which tells of the change again, brings it back.
 */
async function inferTombstones(
  run: Run,
  entity: Entity,
  qboIds: readonly string[],
  observedAt: Date,
): Promise<Tombstone[]> {
  const known = await readKnown(run.database.knex, run.realmId, entity, qboIds)
  return qboIds.map((qboId) => {
    const changedAt = known.get(qboId)?.record?.sourceUpdatedAt ?? observedAt
    const isFresh = changedAt.getTime() > observedAt.getTime() - OVERLAP_MS
    return { kind: 'tombstone', qboId, sourceUpdatedAt: isFresh ? changedAt : observedAt }
  })
}

/**
 * Few records of one entity may be all that it had, and may well go; when the others are gone too, it is the company
 * that vanished. Its lists come first in a run and are short: they would be believed before the rest is looked at.
 */
async function isMostOfCompany(run: Run): Promise<boolean> {
  let [everything, gone] = [0, 0]
  for (const entity of ENTITIES) {
    const held = await countHeld(run, entity)
    if (held === 0) continue
    const { count } = await run.reader.count(entity)
    everything += held
    gone += Math.max(0, held - count)
  }
  return gone === everything || (gone > FEW_RECORDS && gone > everything / 2)
}

async function hasUnreadable(run: Run, entity: Entity): Promise<boolean> {
  const rows = await rowsOf(
    run.database.knex,
    `SELECT id FROM sync_rejects
      WHERE realm_id = :realmId AND entity = :entity AND qbo_id IS NULL AND resolved_at IS NULL
      LIMIT 1`,
    { realmId: run.realmId, entity },
  )
  return rows.length > 0
}

async function findUnseen(
  run: Run,
  entity: Entity,
  seen: ReadonlySet<string>,
): Promise<{ unseen: string[]; held: number }> {
  const rows = await rowsOf<{ qboId: string }>(
    run.database.knex,
    `SELECT qbo_id AS "qboId"
       FROM ${MIRRORED_TABLES[entity].table}
      WHERE realm_id = :realmId AND deleted_at IS NULL`,
    { realmId: run.realmId },
  )
  return { unseen: rows.map((row) => row.qboId).filter((qboId) => !seen.has(qboId)), held: rows.length }
}
