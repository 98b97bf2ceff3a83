import { rowsOf } from '../db/database.ts'
import type { Page } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { startListing, type ListingCursor } from '../quickbooks/listing-cursor.ts'
import { countHeld } from './count-held.ts'
import { deleteMissing } from './delete-missing.ts'
import { nameUnreadable, trimUnreadable } from './unreadable-records.ts'
import type { Run } from './run.ts'
import { writePage } from './write-page.ts'

export interface FinishedListing {
  readonly end: ListingCursor
  /** Every id that the listing met. */
  readonly seen: Set<string>
  /** Read by this run from its first page on. Of a resumed one it is not known which unchanged records it met. */
  readonly whole: boolean
}

// Records created while we listed follow the last page. What the first look does not find there was missed further up,
// as may happen to rows of one second that every page orders differently: the other looks read everything again.
const LOOKS = 3

/**
 * Checks a finished listing against QuickBooks' own count. Fewer here: records were added since, or the listing ended
 * early. As many or more here: those that the listing did not meet may be gone, and each is asked for by its id before
 * that is believed.
 *
 * @throws LedgerError `unavailable` when the listing cannot be shown to be complete, and what deleteMissing throws.
 */
export async function settleListing(run: Run, entity: Entity, listing: FinishedListing): Promise<void> {
  for (let look = 1; look <= LOOKS; look += 1) {
    const { count } = await run.reader.count(entity)
    const held = await countHeld(run, entity)
    // Even then one record may be gone and another one new.
    if (held === count && !listing.whole) return
    if (held >= count && (await settleUnmet(run, entity, listing.seen, count))) return
    await listUnseen(
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

/** Lists again from a given place, and writes the records that were not seen before. */
async function listUnseen(run: Run, entity: Entity, from: ListingCursor, seen: Set<string>): Promise<void> {
  let cursor: ListingCursor | null = from
  while (cursor) {
    const { page, next }: { page: Page; next: ListingCursor | null } = await run.reader.listPage(
      entity,
      cursor,
    )
    const isNew = ({ qboId }: { qboId: string | null }) => qboId === null || !seen.has(qboId)
    const newcomers = { ...page, changes: page.changes.filter(isNew), rejects: page.rejects.filter(isNew) }
    for (const { qboId } of [...newcomers.changes, ...newcomers.rejects]) if (qboId !== null) seen.add(qboId)
    await writePage(run, entity, newcomers, { authoritative: true, compares: true })
    cursor = next
  }
}

/**
 * Asks by id for every record that the mirror knows and the listing did not meet. It is alive, or QuickBooks cannot
 * serve it, or it is gone.
 *
 * @returns false when more seem to be gone than QuickBooks' count allows.
 */
async function settleUnmet(
  run: Run,
  entity: Entity,
  seen: ReadonlySet<string>,
  count: number,
): Promise<boolean> {
  const unmet = (await readKnownIds(run, entity)).filter((qboId) => !seen.has(qboId))
  if (unmet.length > 0) {
    const { page, missing } = await run.reader.byIds(entity, unmet)
    await writePage(run, entity, page, {
      authoritative: true,
      compares: true,
      along: (tx) => nameUnreadable(tx, run, entity, page.rejects),
    })
    const gone = { qboIds: missing, observedAt: page.observedAt, count }
    if (!(await deleteMissing(run, entity, gone))) return false
  }
  await trimUnreadable(run, entity, count)
  return true
}

/** Ids of the records that are live here, and of the rejected ones. */
async function readKnownIds(run: Run, entity: Entity): Promise<string[]> {
  const rows = await rowsOf<{ qboId: string }>(
    run.database.knex,
    `SELECT qbo_id AS "qboId"
       FROM ${MIRRORED_TABLES[entity].table}
      WHERE realm_id = :realmId AND deleted_at IS NULL
     UNION
     SELECT qbo_id
       FROM sync_rejects
      WHERE realm_id = :realmId AND entity = :entity AND qbo_id IS NOT NULL AND resolved_at IS NULL`,
    { realmId: run.realmId, entity },
  )
  return rows.map((row) => row.qboId)
}
