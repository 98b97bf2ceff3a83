import { rowsOf, type Database } from '../../db/database.ts'
import { FAILED, RUNS_LOOKED_AT } from './read-causes.ts'

/** The runs that began within one hour. */
export interface Hour {
  readonly from: Date
  readonly runs: number
  readonly failed: number
}

/**
 * Runs by the hour in which they began, oldest first, hours without any included. Both counts come from indexes alone:
 * a thousand companies begin 100,000 runs a day.
 */
export async function readHours(
  { knex }: Pick<Database, 'knex'>,
  { since, until }: { readonly since: Date; readonly until: Date },
): Promise<Hour[]> {
  const failed = FAILED.map(
    (status) => `
      (SELECT r.started_at
         FROM sync_runs r
        WHERE r.status = '${status}'
        ORDER BY r.id DESC
        LIMIT ${RUNS_LOOKED_AT})`,
  )
  return rowsOf<Hour>(
    knex,
    `SELECT h.hour AS "from", coalesce(a.runs, 0) AS runs, coalesce(f.failed, 0) AS failed
       FROM generate_series(date_trunc('hour', CAST(:since AS timestamptz)), CAST(:until AS timestamptz),
                            INTERVAL '1 hour') AS h(hour)
       LEFT JOIN (SELECT date_trunc('hour', r.started_at) AS hour, CAST(count(*) AS integer) AS runs
                    FROM sync_runs r
                   WHERE r.started_at >= date_trunc('hour', CAST(:since AS timestamptz))
                   GROUP BY 1) a ON a.hour = h.hour
       LEFT JOIN (SELECT date_trunc('hour', n.started_at) AS hour, CAST(count(*) AS integer) AS failed
                    FROM (${failed.join(' UNION ALL ')}) n
                   GROUP BY 1) f ON f.hour = h.hour
      ORDER BY h.hour`,
    { since, until },
  )
}
