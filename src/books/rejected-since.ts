import { rowsOf, type Database } from '../db/database.ts'
import type { Standing } from './standing.ts'

/**
 * By id, since when a newer version of a record has been rejected, for records with an open reject at the moment. No
 * query is made when the company has none, the usual case.
 */
export async function readRejectedSince(
  { knex }: Pick<Database, 'knex'>,
  { realmId, entity, moment, hasRejects }: Standing,
  qboIds: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  if (!hasRejects || qboIds.length === 0) return new Map()
  const rows = await rowsOf<{ qboId: string; since: Date }>(
    knex,
    `SELECT t.qbo_id AS "qboId", min(t.first_seen_at) AS since
       FROM sync_rejects t
      WHERE t.realm_id = :realmId AND t.entity = :entity AND t.qbo_id = ANY (:qboIds)
        AND t.first_seen_at <= coalesce(CAST(:asOf AS timestamptz), 'infinity')
        AND (t.resolved_at IS NULL OR t.resolved_at > CAST(:asOf AS timestamptz))
      GROUP BY t.qbo_id`,
    { realmId, entity, qboIds: [...qboIds], asOf: moment.asOf },
  )
  return new Map(rows.map(({ qboId, since }) => [qboId, since]))
}
