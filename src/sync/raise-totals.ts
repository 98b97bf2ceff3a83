import { rowsOfPrepared, type Tx } from '../db/database.ts'

export interface Increment {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
  readonly by: number
}

/**
 * Raises totals of the metrics, in the transaction that they describe. All runs raise the same few totals, so each only
 * adds rows of its own to `metric_raises` and nobody waits for anybody. `foldTotals` adds them up.
 *
 * Amounts are kept in whole 1024ths, whose sum as doubles is the same in every order: if the last digit of a counter
 * fell, Prometheus would take it for a reset.
 */
export async function raiseTotals(tx: Tx, increments: readonly Increment[]): Promise<void> {
  if (increments.length === 0) return
  await rowsOfPrepared(
    tx.trx,
    `INSERT INTO metric_raises (metric, labels, amount)
     SELECT i.metric, i.labels, sum(round(i.by * 1024) / 1024)
       FROM jsonb_to_recordset(CAST(:increments AS jsonb)) AS i (metric text, labels jsonb, by double precision)
      GROUP BY i.metric, i.labels`,
    { increments: JSON.stringify(increments) },
  )
}
