import { rowsOf, type Database } from '../db/database.ts'

// Five times what ends in a minute with 10,000 companies. After hours without a scheduler each part of the backlog
// takes well under the time that a statement may.
const RAISES_PER_STATEMENT = 50_000

/**
 * Adds what runs raised to `metric_totals` and removes it from `metric_raises` in the same statement, so that whoever
 * reads both in one statement finds every amount once. Skips what somebody else is folding. Locks the totals in the
 * order of their key, like everybody who raises several.
 */
export async function foldTotals({ knex }: Pick<Database, 'knex'>): Promise<void> {
  for (;;) {
    const [folded] = await rowsOf<{ raises: number }>(
      knex,
      // Earlier code raises totals by any fraction: rounded up once, they are whole 1024ths from then on.
      `WITH raised AS (
         DELETE FROM metric_raises
          WHERE ctid = ANY (ARRAY(SELECT ctid FROM metric_raises LIMIT :most FOR UPDATE SKIP LOCKED))
         RETURNING metric, labels, amount
       ), folded AS (
         INSERT INTO metric_totals AS t (metric, labels, total)
         SELECT metric, labels, sum(amount)
           FROM raised
          GROUP BY metric, labels
          ORDER BY metric, labels
         ON CONFLICT (metric, labels) DO UPDATE SET total = ceil((t.total + excluded.total) * 1024) / 1024
       )
       SELECT count(*) AS raises FROM raised`,
      { most: RAISES_PER_STATEMENT },
    )
    if (!folded || folded.raises < RAISES_PER_STATEMENT) return
  }
}
