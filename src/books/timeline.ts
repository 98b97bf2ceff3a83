import { rowsOf, type Database } from '../db/database.ts'

export interface TimelineQuestion {
  readonly realmId: string
  /** Null: everything. */
  readonly of: 'people' | 'runs' | 'rejects' | null
  /** Only what happened before this; null: up to now. */
  readonly before: string | null
  readonly limit: number
}

export interface TimelineEntry {
  readonly at: Date
  /** In words. */
  readonly what: string
  readonly detail: string | null
  /** Who did it. */
  readonly by: string
  readonly runId: number | null
}

/**
 * What happened to a company, newest first: what people did, runs that changed something, failed or were asked for, and
 * records that were rejected or taken at last. Each part is read from its own index, no more than is shown.
 */
export async function readTimeline(
  { knex }: Database,
  { realmId, of, before, limit }: TimelineQuestion,
): Promise<TimelineEntry[]> {
  const parts = Object.entries(PARTS).filter(([part]) => of === null || part === of)
  return rowsOf<TimelineEntry>(
    knex,
    `SELECT t.at, t.what, t.detail, t.by, t."runId"
       FROM (${parts.map(([, sql]) => sql).join(' UNION ALL ')}) t
      ORDER BY t.at DESC
      LIMIT :limit`,
    { realmId, before: before ?? 'infinity', limit },
  )
}

const EARLIER = 'CAST(:before AS timestamptz)'

const PARTS = {
  people: `
    (SELECT e.at, replace(e.kind, '_', ' ') AS what, nullif(CAST(e.detail AS text), '{}') AS detail, e.actor AS by,
            CAST(NULL AS bigint) AS "runId"
       FROM company_events e
      WHERE e.realm_id = :realmId AND e.at < ${EARLIER}
      ORDER BY e.id DESC
      LIMIT :limit)`,
  runs: `
    (SELECT r.started_at AS at, 'run ' || r.id || ': ' || r.mode || ', ' || r.status AS what,
            r.error_message AS detail, r.trigger AS by, r.id AS "runId"
       FROM sync_runs r
      WHERE r.realm_id = :realmId AND r.started_at < ${EARLIER}
        AND (r.changed OR r.status <> 'succeeded' OR r.trigger IN ('manual', 'reconcile', 'recovery'))
      ORDER BY r.started_at DESC, r.id DESC
      LIMIT :limit)`,
  rejects: `
    (SELECT j.first_seen_at AS at, 'rejected: ' || j.entity || coalesce(' ' || j.qbo_id, '') AS what,
            j.reason AS detail, 'service' AS by, j.sync_run_id AS "runId"
       FROM sync_rejects j
      WHERE j.realm_id = :realmId AND j.first_seen_at < ${EARLIER}
      ORDER BY j.first_seen_at DESC
      LIMIT :limit)
    UNION ALL
    (SELECT j.resolved_at AS at, 'settled: ' || j.entity || coalesce(' ' || j.qbo_id, '') AS what,
            NULL AS detail, 'service' AS by, CAST(NULL AS bigint) AS "runId"
       FROM sync_rejects j
      WHERE j.realm_id = :realmId AND j.resolved_at < ${EARLIER}
      ORDER BY j.resolved_at DESC
      LIMIT :limit)`,
}
