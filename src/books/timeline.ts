import { rowsOf, type Database } from '../db/database.ts'

export const TIMELINE_PARTS = ['people', 'runs', 'rejects'] as const
export type TimelinePart = (typeof TIMELINE_PARTS)[number]

/** After which entry a page begins: many can have one moment. */
export interface TimelinePlace {
  readonly at: string
  readonly key: string
}

export interface TimelineQuestion {
  readonly realmId: string
  /** Null: everything. */
  readonly of: TimelinePart | null
  /** Only what comes after this place, which is what happened before it; null: from now back. */
  readonly after: TimelinePlace | null
  readonly limit: number
}

export interface TimelineEntry {
  readonly at: Date
  readonly kind: 'event' | 'run' | 'rejected' | 'settled'
  /** The kind of an event, the outcome of a run, the entity of a record. */
  readonly name: string
  /** The Id of a record, the mode of a run; null if there is none. */
  readonly about: string | null
  /** Details of an event; the message of an error; null if there is nothing more to say. */
  readonly detail: string | null
  /** Who did it, or why a run was started. */
  readonly by: string
  readonly runId: number | null
  readonly place: TimelinePlace
}

/**
 * What happened to a company, newest first: what people did, runs that changed something, failed or were asked for, and
 * records that were rejected or taken at last. Each part is read for the company alone and cut to what is shown.
 */
export async function readTimeline(
  { knex }: Database,
  { realmId, of, after, limit }: TimelineQuestion,
): Promise<TimelineEntry[]> {
  const parts = TIMELINE_PARTS.filter((part) => of === null || part === of).map((part) => PARTS[part])
  const rows = await rowsOf<Omit<TimelineEntry, 'place'> & { readonly moment: string; readonly key: string }>(
    knex,
    `SELECT t.at, t.kind, t.name, t.about, t.detail, t.by, t."runId", t.key,
            to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS moment
       FROM (${parts.join(' UNION ALL ')}) t
      ORDER BY t.at DESC, t.key DESC
      LIMIT :limit`,
    { realmId, at: after?.at ?? 'infinity', key: after?.key ?? '', limit },
  )
  return rows.map(({ moment, key, ...entry }) => ({ ...entry, place: { at: moment, key } }))
}

/** Of one width, so that the order of texts is that of the ids. */
function keyOf(letter: string, id: string): string {
  return `'${letter}' || lpad(CAST(${id} AS text), 20, '0')`
}

/** The condition and the order of a part: it is cut where the page begins and ends. */
function fromPlace(at: string, key: string): string {
  return `
        AND (${at}, ${key}) < (CAST(:at AS timestamptz), :key)
      ORDER BY ${at} DESC, ${key} DESC
      LIMIT :limit`
}

const PARTS: Readonly<Record<TimelinePart, string>> = {
  people: `
    (SELECT e.at, 'event' AS kind, e.kind AS name, NULL AS about, nullif(CAST(e.detail AS text), '{}') AS detail,
            e.actor AS by, CAST(NULL AS bigint) AS "runId", ${keyOf('e', 'e.id')} AS key
       FROM company_events e
      WHERE e.realm_id = :realmId ${fromPlace('e.at', keyOf('e', 'e.id'))})`,
  runs: `
    (SELECT r.started_at AS at, 'run' AS kind, r.status AS name, r.mode AS about, r.error_message AS detail,
            r.trigger AS by, r.id AS "runId", ${keyOf('r', 'r.id')} AS key
       FROM sync_runs r
      WHERE r.realm_id = :realmId
        AND (r.changed OR r.status <> 'succeeded' OR r.trigger IN ('manual', 'reconcile', 'recovery'))
        ${fromPlace('r.started_at', keyOf('r', 'r.id'))})`,
  rejects: `
    (SELECT j.first_seen_at AS at, 'rejected' AS kind, j.entity AS name, j.qbo_id AS about, j.reason AS detail,
            'service' AS by, j.sync_run_id AS "runId", ${keyOf('j', 'j.id')} AS key
       FROM sync_rejects j
      WHERE j.realm_id = :realmId ${fromPlace('j.first_seen_at', keyOf('j', 'j.id'))})
    UNION ALL
    (SELECT j.resolved_at AS at, 'settled' AS kind, j.entity AS name, j.qbo_id AS about, NULL AS detail,
            'service' AS by, CAST(NULL AS bigint) AS "runId", ${keyOf('s', 'j.id')} AS key
       FROM sync_rejects j
      WHERE j.realm_id = :realmId AND j.resolved_at IS NOT NULL
        ${fromPlace('j.resolved_at', keyOf('s', 'j.id'))})`,
}
