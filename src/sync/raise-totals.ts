import type { Tx } from '../db/database.ts'

export interface Increment {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
  readonly by: number
}

/**
 * Raises totals of `metric_totals`. One statement in the order of the key, as the last of its transaction: every
 * run raises the same few rows, so they are held briefly and never in two orders.
 */
export async function raiseTotals(tx: Tx, increments: readonly Increment[]): Promise<void> {
  if (increments.length === 0) return
  await tx.trx.raw(
    `INSERT INTO metric_totals AS t (metric, labels, total)
     SELECT i.metric, i.labels, sum(i.by)
       FROM jsonb_to_recordset(CAST(:increments AS jsonb)) AS i (metric text, labels jsonb, by double precision)
      GROUP BY i.metric, i.labels
      ORDER BY i.metric, i.labels
     ON CONFLICT (metric, labels) DO UPDATE SET total = t.total + excluded.total`,
    { increments: JSON.stringify(increments) },
  )
}
