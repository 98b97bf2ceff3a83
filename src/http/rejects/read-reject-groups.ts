import { rowsOf, type Database } from '../../db/database.ts'
import type { Entity } from '../../domain/entity.ts'
import type { ErrorCode } from '../../domain/ledger-error.ts'
import { SyncReject } from '../../models/sync-reject.ts'

/** The name of a reject's reason, short enough for an address: rejects `r` of one entity with one reason share it. */
export const GROUP = `md5(r.entity || ' ' || r.code || ' ' || r.reason)`

/** Records that are rejected now for one reason. */
export interface RejectGroup {
  readonly group: string
  readonly entity: Entity
  readonly code: ErrorCode
  readonly reason: string
  readonly rejects: number
  readonly companies: number
  readonly since: Date
  readonly nextTry: Date
}

// Reasons beyond it are those of single records.
const MOST_GROUPS = 200

/** Why records of all companies are rejected, the most records first. */
export async function readRejectGroups({ knex }: Pick<Database, 'knex'>): Promise<RejectGroup[]> {
  return rowsOf<RejectGroup>(
    knex,
    `SELECT ${GROUP} AS "group", r.entity, r.code, r.reason, CAST(count(*) AS integer) AS rejects,
            CAST(count(DISTINCT r.realm_id) AS integer) AS companies, min(r.first_seen_at) AS since,
            min(r.retry_at) AS "nextTry"
       FROM sync_rejects r
      WHERE r.resolved_at IS NULL
      GROUP BY r.entity, r.code, r.reason
      ORDER BY count(*) DESC, r.reason
      LIMIT ${MOST_GROUPS}`,
  )
}

/** Open rejects of one reason, or of all, newest first. */
export function readOpenRejects(
  { knex }: Pick<Database, 'knex'>,
  {
    group,
    cursor,
    most,
  }: { readonly group: string | undefined; readonly cursor: string | null; readonly most: number },
): Promise<SyncReject[]> {
  const rejects = SyncReject.query(knex)
    .alias('r')
    .whereNull('r.resolved_at')
    .orderBy('r.id', 'desc')
    .limit(most)
  if (group !== undefined) void rejects.whereRaw(`${GROUP} = ?`, [group])
  if (cursor !== null) void rejects.where('r.id', '<', Number(cursor))
  return rejects.execute()
}
