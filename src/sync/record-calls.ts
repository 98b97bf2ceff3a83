import { rowsOf, rowsOfPrepared, type Tx } from '../db/database.ts'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import { raiseTotals, type Increment } from './raise-totals.ts'
import type { Run } from './run.ts'

/** For the monthly budget: a total of its own, because adding up every company's days would be a growing scan. */
export const METERED_CALLS_OF_MONTH = 'metered_calls_of_month'

/** Intuit's quota is per calendar month; in which zone is not documented, so UTC is used. */
export function monthOf(now: Date): string {
  return now.toISOString().slice(0, 7)
}

/** Metered calls of all companies since the month of `tx.now` began. */
export async function readCallsOfMonth(tx: Tx): Promise<number> {
  const [row] = await rowsOf<{ calls: number }>(
    tx.trx,
    `SELECT total AS calls
       FROM metric_totals_now()
      WHERE metric = :metric AND labels = jsonb_build_object('month', CAST(:month AS text))`,
    { metric: METERED_CALLS_OF_MONTH, month: monthOf(tx.now) },
  )
  return row?.calls ?? 0
}

/** Counts calls that were made outside any run, such as those of a registration. */
export async function recordCalls(tx: Tx, realmId: string, calls: readonly QuickBooksCall[]): Promise<void> {
  await recordCallsByDay(tx, realmId, calls)
  await raiseTotals(tx, callTotals(tx, realmId, calls))
}

/** Counts the calls since the last transaction of a run that ends without its lease: they were made all the same. */
export async function recordLastCalls(run: Run): Promise<void> {
  const calls = [...run.unrecordedCalls]
  if (calls.length === 0) return
  await run.database.transaction((tx) => recordCalls(tx, run.realmId, calls))
  noteRecorded(run, calls)
}

export function noteCall(run: Run, call: QuickBooksCall): void {
  run.unrecordedCalls.push(call)
  run.requests += 1
  if (call.metered) run.meteredCalls += 1
}

/** Notes that the oldest calls of a run were recorded by a transaction that committed. */
export function noteRecorded(run: Run, calls: readonly QuickBooksCall[]): void {
  run.unrecordedCalls.splice(0, calls.length)
}

/** Counts calls by company, UTC day, kind and status. */
export async function recordCallsByDay(
  tx: Tx,
  realmId: string,
  calls: readonly QuickBooksCall[],
): Promise<void> {
  if (calls.length === 0) return
  await rowsOfPrepared(
    tx.trx,
    `INSERT INTO quickbooks_calls AS c (realm_id, day, operation, status, calls, metered_calls)
     SELECT :realmId, (CAST(:now AS timestamptz) AT TIME ZONE 'UTC')::date, r.operation, r.status,
            count(*), count(*) FILTER (WHERE r.metered)
       FROM jsonb_to_recordset(CAST(:calls AS jsonb)) AS r (operation text, status text, metered boolean)
      GROUP BY r.operation, r.status
      ORDER BY r.operation, r.status
     ON CONFLICT (realm_id, day, operation, status) DO UPDATE
       SET calls = c.calls + excluded.calls, metered_calls = c.metered_calls + excluded.metered_calls`,
    {
      realmId,
      now: tx.now,
      calls: JSON.stringify(calls.map(({ operation, status, metered }) => ({ operation, status, metered }))),
    },
  )
}

export function callTotals(tx: Tx, realmId: string, calls: readonly QuickBooksCall[]): Increment[] {
  const metered = calls.filter((call) => call.metered).length
  return [
    ...calls.map(({ operation, status }) => ({
      metric: 'ledger_quickbooks_requests_total',
      labels: { operation, status },
      by: 1,
    })),
    ...(metered > 0
      ? [
          { metric: 'ledger_quickbooks_metered_calls_total', labels: { realm_id: realmId }, by: metered },
          { metric: METERED_CALLS_OF_MONTH, labels: { month: monthOf(tx.now) }, by: metered },
        ]
      : []),
  ]
}
