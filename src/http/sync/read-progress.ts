import type { Knex } from 'knex'
import { rowsOf } from '../../db/database.ts'
import { ENTITIES, type Entity } from '../../domain/entity.ts'
import type { Mode, Trigger } from '../../domain/sync-run.ts'

/** How far the sync of a company has come. */
export interface SyncProgress {
  /** Somebody asked, and no run has served it yet. */
  readonly isAsked: boolean
  readonly run: {
    readonly id: number
    readonly mode: Mode
    readonly trigger: Trigger
    readonly startedAt: Date
  } | null
  /** The complete listings of the run, in the order in which they are read. Those not begun are left out. */
  readonly lists: readonly ListProgress[]
}

export interface ListProgress {
  readonly entity: Entity
  readonly pages: number
  readonly rows: number
  /** How many there were when the listing began; null if that is not known, as for a list of one page. */
  readonly expected: number | null
  readonly isDone: boolean
}

/** Null for a company that does not exist. One statement by keys, because it is asked every second while somebody waits. */
export async function readProgress(knex: Knex, realmId: string): Promise<SyncProgress | null> {
  const [row] = await rowsOf<{ isAsked: boolean; run: RunRow | null; lists: ListRow[] | null }>(
    knex,
    `SELECT c.requested_seq > c.served_seq AS "isAsked",
            (SELECT jsonb_build_object('id', r.id, 'mode', r.mode, 'trigger', r.trigger, 'startedAt', r.started_at)
               FROM sync_runs r
              WHERE r.realm_id = c.realm_id AND r.status = 'running') AS run,
            (SELECT jsonb_agg(jsonb_build_object('entity', s.entity, 'listing', s.listing))
               FROM sync_states s
              WHERE s.realm_id = c.realm_id AND s.listing IS NOT NULL) AS lists
       FROM companies c
      WHERE c.realm_id = :realmId`,
    { realmId },
  )
  if (!row) return null
  const byEntity = new Map(row.lists?.map(({ entity, listing }) => [entity, listing]))
  return {
    isAsked: row.isAsked,
    run: row.run && { ...row.run, startedAt: new Date(row.run.startedAt) },
    lists: ENTITIES.flatMap((entity) => {
      const listing = byEntity.get(entity)
      return listing ? [progressOf(entity, listing)] : []
    }),
  }
}

interface RunRow {
  readonly id: number
  readonly mode: Mode
  readonly trigger: Trigger
  readonly startedAt: string
}

interface ListRow {
  readonly entity: Entity
  readonly listing: KeptListing
}

/** `sync_states.listing`, as far as it is told. */
interface KeptListing {
  readonly cursor: object | null
  readonly done?: { readonly pages: number; readonly rows: number }
  readonly expected?: number | null
}

function progressOf(entity: Entity, { cursor, done, expected }: KeptListing): ListProgress {
  return {
    entity,
    pages: done?.pages ?? 0,
    rows: done?.rows ?? 0,
    // Zero stands for a count that could not be had.
    expected: expected || null,
    isDone: cursor === null,
  }
}
