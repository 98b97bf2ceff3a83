import { rowsOf, type Database } from '../../db/database.ts'
import type { ErrorCode } from '../../domain/ledger-error.ts'

/** Failed runs of one cause. */
export interface Cause {
  readonly code: ErrorCode
  readonly runs: number
  readonly companies: number
  readonly since: Date
  readonly latest: Date
  /** What the latest of them said. */
  readonly message: string | null
}

// A day of failures of a thousand companies; beyond it the newest say enough.
export const RUNS_LOOKED_AT = 5000

/** Why runs failed since a moment, the most companies first: of the newest runs that did not succeed. */
export async function readCauses({ knex }: Pick<Database, 'knex'>, since: Date): Promise<Cause[]> {
  const failed = FAILED.map(
    (status) => `
      (SELECT r.id, r.realm_id, r.error_code, r.error_message, r.started_at
         FROM sync_runs r
        WHERE r.status = '${status}'
        ORDER BY r.id DESC
        LIMIT ${RUNS_LOOKED_AT})`,
  )
  return rowsOf<Cause>(
    knex,
    `SELECT f.error_code AS code, CAST(count(*) AS integer) AS runs,
            CAST(count(DISTINCT f.realm_id) AS integer) AS companies, min(f.started_at) AS since,
            max(f.started_at) AS latest, (array_agg(f.error_message ORDER BY f.id DESC))[1] AS message
       FROM (${failed.join(' UNION ALL ')}) f
      WHERE f.started_at >= :since AND f.error_code IS NOT NULL
      GROUP BY f.error_code
      ORDER BY count(DISTINCT f.realm_id) DESC, f.error_code`,
    { since },
  )
}

/** How a run ends that did not do all it was for. */
export const FAILED = ['partial', 'failed', 'abandoned'] as const
