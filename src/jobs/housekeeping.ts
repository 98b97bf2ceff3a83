import { rowsOf, type Database } from '../db/database.ts'

/** What a pass removed or made smaller. */
export interface Cleaned {
  /** Runs that changed nothing. */
  readonly runs: number
  /** Days of calls that became part of their month. */
  readonly callDays: number
  /** Payloads of rejects that were resolved. */
  readonly payloads: number
  readonly tombstones: number
}

/**
 * Removes what is older than the retention and has no reason to stay, in batches that each commit by themselves: a pass
 * that is killed goes on where it was.
 */
export async function cleanUp(database: Database, retentionDays: number): Promise<Cleaned> {
  const now = database.clock.now()
  const before = new Date(now.getTime() - retentionDays * DAY_MS)
  return {
    runs: await deleteOldRuns(database, retentionDays),
    callDays: await foldCallDays(database, now),
    payloads: await inBatches(database, EMPTY_PAYLOADS, before),
    tombstones: await inBatches(database, DELETE_TOMBSTONES, before),
  }
}

/** Deletes old runs that changed nothing; a run that a version refers to is kept. @returns how many were deleted. */
export async function deleteOldRuns(database: Database, retentionDays: number): Promise<number> {
  return inBatches(
    database,
    `DELETE FROM sync_runs
      WHERE id IN (SELECT id FROM sync_runs
                    WHERE started_at < :before AND NOT changed AND status <> 'running'
                    LIMIT :most)
      RETURNING id`,
    new Date(database.clock.now().getTime() - retentionDays * DAY_MS),
  )
}

const DAY_MS = 86_400_000
const ROWS_PER_STATEMENT = 10_000

// A resolved reject still says from when to when an answer was not certain, and why; what was rejected is in the mirror.
const EMPTY_PAYLOADS = `
  UPDATE sync_rejects
     SET payload = ''
   WHERE id IN (SELECT id FROM sync_rejects WHERE resolved_at < :before AND payload <> '' LIMIT :most)
  RETURNING id`

// Nothing that is under way is as old as the retention, except a rejected copy of the record, which is mapped again
// after an upgrade.
const DELETE_TOMBSTONES = `
  DELETE FROM tombstones
   WHERE (realm_id, entity, qbo_id) IN (
           SELECT t.realm_id, t.entity, t.qbo_id
             FROM tombstones t
            WHERE t.deleted_at < :before
              AND NOT EXISTS (SELECT FROM sync_rejects r
                               WHERE r.realm_id = t.realm_id AND r.entity = t.entity AND r.qbo_id = t.qbo_id
                                 AND r.resolved_at IS NULL)
            LIMIT :most)
  RETURNING qbo_id`

/** Repeats a statement until nothing is left for it. @returns how many rows it returned. */
async function inBatches({ knex }: Database, sql: string, before: Date): Promise<number> {
  let rows = 0
  for (;;) {
    const done = (await rowsOf(knex, sql, { before, most: ROWS_PER_STATEMENT })).length
    rows += done
    if (done < ROWS_PER_STATEMENT) return rows
  }
}

// A whole year by the day besides the present month.
const MONTHS_BY_DAY = 13
const COMPANIES_PER_STATEMENT = 20

/**
 * Adds the days of months long ago to the first of their month: whoever adds up a month gets what he got before.
 *
 * @returns how many days were added.
 */
async function foldCallDays({ knex }: Database, now: Date): Promise<number> {
  const until = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - MONTHS_BY_DAY, 1))
  let folded = 0
  for (let after = ''; ;) {
    const companies = await rowsOf<{ realmId: string }>(
      knex,
      `SELECT realm_id AS "realmId" FROM companies WHERE realm_id > :after ORDER BY realm_id LIMIT :most`,
      { after, most: COMPANIES_PER_STATEMENT },
    )
    if (companies.length === 0) return folded
    const realmIds = companies.map(({ realmId }) => realmId)
    const [row] = await rowsOf<{ days: number }>(knex, FOLD_CALLS, { realmIds, until })
    folded += row!.days
    after = realmIds.at(-1)!
  }
}

const FOLD_CALLS = `
  WITH days AS (
    DELETE FROM quickbooks_calls c
     WHERE c.realm_id = ANY (:realmIds) AND c.day < CAST(:until AS date)
       AND c.day <> CAST(date_trunc('month', c.day) AS date)
    RETURNING c.*
  ), kept AS (
    INSERT INTO quickbooks_calls AS m (realm_id, day, operation, status, calls, metered_calls)
    SELECT d.realm_id, CAST(date_trunc('month', d.day) AS date), d.operation, d.status, sum(d.calls),
           sum(d.metered_calls)
      FROM days d
     GROUP BY d.realm_id, CAST(date_trunc('month', d.day) AS date), d.operation, d.status
     ORDER BY 1, 2, 3, 4
    ON CONFLICT (realm_id, day, operation, status) DO UPDATE
      SET calls = m.calls + excluded.calls, metered_calls = m.metered_calls + excluded.metered_calls
  )
  SELECT CAST(count(*) AS integer) AS days FROM days`
