import { ENTITIES } from '../domain/entity.ts'
import type { CompanyState } from './company-state.ts'

/** A company as the statements below return it. */
export type CompanyRow = CompanyState & {
  readonly realmId: string
  readonly name: string | null
  readonly homeCurrency: string | null
  readonly timeZone: string | null
  readonly tags: readonly string[]
}

/** Columns of `c`, a company, and of the joins below. */
export const COMPANY_COLUMNS = `
  c.realm_id AS "realmId", c.name, c.status, c.status_code AS "statusCode", c.failing_code AS "failingCode",
  c.not_before AS "notBefore", c.not_before_code AS "notBeforeCode", c.max_lag_minutes AS "maxLagMinutes",
  c.home_currency AS "homeCurrency", c.time_zone AS "timeZone", c.tags,
  e.error AS "lastError", pause.pause AS "callsPause", still.entity AS "standsStill",
  r.rejects, r.latest AS "latestReject"`

// One day of runs: a lasting error is among the newest. Without a bound, a company that never failed would have all its
// runs read to find none.
const RUNS_LOOKED_AT = 100

/** Needs `:now` bound. Runs are read only for companies with something wrong. */
export const COMPANY_JOINS = `
  LEFT JOIN LATERAL (
    SELECT json_build_object('code', newest.error_code, 'message', newest.error_message) AS error
      FROM (SELECT t.error_code, t.error_message, t.started_at, t.id
              FROM sync_runs t
             WHERE t.realm_id = c.realm_id
             ORDER BY t.started_at DESC, t.id DESC
             LIMIT ${RUNS_LOOKED_AT}) AS newest
     WHERE newest.error_code IS NOT NULL
       AND coalesce(c.status_code, c.failing_code, c.not_before_code) IS NOT NULL
     ORDER BY newest.started_at DESC, newest.id DESC
     LIMIT 1) e ON true
  LEFT JOIN LATERAL (
    SELECT json_build_object('code', s.calls_paused_code, 'reason', s.calls_paused_reason) AS pause
      FROM service_state s
     WHERE s.calls_paused_until > :now
        OR (s.stopped_since IS NOT NULL AND s.calls_paused_until IS NOT NULL)) pause ON true
  LEFT JOIN LATERAL (
    SELECT json_build_object('entity', t.entity, 'code', t.error_code, 'message', t.error_message) AS entity
      FROM sync_states t
     WHERE t.realm_id = c.realm_id AND t.error_code IS NOT NULL
     ORDER BY array_position(ARRAY[${ENTITIES.map((entity) => `'${entity}'`).join(', ')}], t.entity)
     LIMIT 1) still ON true
  CROSS JOIN LATERAL (
    SELECT count(*) AS rejects, ${latestReject('t')} AS latest
      FROM sync_rejects t
     WHERE t.realm_id = c.realm_id AND t.resolved_at IS NULL) r`

/** An aggregate over rows of `sync_rejects`: the latest one, null without rows. */
export function latestReject(row: string): string {
  return `(array_agg(json_build_object('entity', ${row}.entity, 'qboId', ${row}.qbo_id, 'code', ${row}.code,
                                       'reason', ${row}.reason)
                     ORDER BY ${row}.last_seen_at DESC, ${row}.id DESC))[1]`
}
