import { rowsOf, type Database } from '../db/database.ts'

const RUNS_PER_STATEMENT = 10_000

/** Deletes old runs that changed nothing; a run that a version refers to is kept. @returns how many were deleted. */
export async function deleteOldRuns(database: Database, retentionDays: number): Promise<number> {
  const before = new Date(database.clock.now().getTime() - retentionDays * 86_400_000)
  let deleted = 0
  for (;;) {
    const rows = await rowsOf(
      database.knex,
      `DELETE FROM sync_runs
        WHERE id IN (SELECT id FROM sync_runs
                      WHERE started_at < :before AND NOT changed AND status <> 'running'
                      LIMIT :most)
        RETURNING id`,
      { before, most: RUNS_PER_STATEMENT },
    )
    deleted += rows.length
    if (rows.length < RUNS_PER_STATEMENT) return deleted
  }
}
