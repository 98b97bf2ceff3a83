import { rowsOf, type Database } from '../db/database.ts'

// What ends in a minute is a fifth of it with 10,000 companies; after hours without a scheduler each part of the rest
// takes well under the time that a statement may.
const RAISES_PER_STATEMENT = 50_000

/**
 * Adds what runs raised to `metric_totals`, each part of it gone from `metric_raises` in the same statement: who reads
 * both in one finds every amount once. What somebody else is folding is passed over; the totals are taken in the order
 * of their key, as everybody does who raises several.
 */
export async function foldTotals({ knex }: Pick<Database, 'knex'>): Promise<void> {
  for (;;) {
    const [folded] = await rowsOf<{ raises: number }>(
      knex,
      // Code of before raises totals by any fraction: rounded up once, they are whole 1024ths from then on.
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
