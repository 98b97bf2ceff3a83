import { requestSync } from '../connections/request-sync.ts'
import { rowsOf, type Tx } from '../db/database.ts'
import type { Trigger } from '../domain/sync-run.ts'
import { raiseTotals } from './raise-totals.ts'
import { changedRecords, reportOf, runTotals } from './report.ts'
import { RECENT_CALLS } from './run-pace.ts'
import type { Run } from './run.ts'

interface AbandonedRun {
  readonly id: number
  readonly realmId: string
  readonly trigger: Trigger
  readonly startedAt: Date
}

/**
 * Closes runs whose process died (no heartbeat for 30 seconds, by Postgres' own clock) and asks for their companies
 * again. A run with a transaction under way is alive and is skipped. So is one whose company is just being opened:
 * whoever opens it would wait for the run while we wait for the company.
 *
 * @param realmId one company alone; null for all.
 * @returns the companies asked for.
 */
export async function abandonLapsedRuns(tx: Tx, realmId: string | null = null): Promise<string[]> {
  const lapsed = await rowsOf<AbandonedRun>(
    tx.trx,
    `UPDATE sync_runs
        SET status = 'abandoned', finished_at = :now, error_code = 'lease_lost',
            error_message = 'its process showed no sign of life for 30 seconds'
      WHERE id IN (SELECT r.id
                     FROM sync_runs r
                     JOIN companies c USING (realm_id)
                    WHERE r.status = 'running' AND r.heartbeat_at < clock_timestamp() - interval '30 seconds'
                      AND (CAST(:realmId AS text) IS NULL OR r.realm_id = :realmId)
                      FOR UPDATE SKIP LOCKED)
      RETURNING id, realm_id AS "realmId", trigger, started_at AS "startedAt"`,
    { now: tx.now, realmId },
  )
  return askAgain(tx, lapsed)
}

/** Closes one run because its process stops, and asks for its company again. */
export async function abandonRun(run: Run): Promise<string[]> {
  return run.database.transaction(async (tx) => {
    const abandoned = await closeEarly(tx, run, {
      code: 'lease_lost',
      message: 'its process was stopped',
    })
    return askAgain(tx, abandoned)
  })
}

/** Closes one run that gives way to others. Its request stands, so that nothing need be asked for again. */
export async function endForOthers(run: Run): Promise<void> {
  await run.database.transaction(async (tx) => {
    await raiseAbandoned(tx, await closeEarly(tx, run, { code: null, message: null }))
  })
}

async function closeEarly(
  tx: Tx,
  run: Run,
  error: { readonly code: string | null; readonly message: string | null },
): Promise<AbandonedRun[]> {
  // The company first, as whoever opens a run does it.
  await tx.trx.raw(`UPDATE companies SET recent_calls = ${RECENT_CALLS} WHERE realm_id = :realmId`, {
    realmId: run.realmId,
    callAgesMs: run.pace.agesMs(),
  })
  return rowsOf<AbandonedRun>(
    tx.trx,
    `UPDATE sync_runs
        SET status = 'abandoned', mode = :mode, finished_at = :now, requests = :requests,
            metered_calls = :meteredCalls, changed = :changed, entities = CAST(:entities AS jsonb),
            error_code = :code, error_message = :message
      WHERE id = :runId AND status = 'running'
      RETURNING id, realm_id AS "realmId", trigger, started_at AS "startedAt"`,
    {
      runId: run.id,
      mode: run.mode,
      now: tx.now,
      requests: run.requests,
      meteredCalls: run.meteredCalls,
      changed: changedRecords(run) > 0,
      entities: JSON.stringify(reportOf(run, 'kept')),
      ...error,
    },
  )
}

async function askAgain(tx: Tx, runs: readonly AbandonedRun[]): Promise<string[]> {
  if (runs.length === 0) return []
  const asked = await requestSync(
    tx,
    runs.map((run) => run.realmId),
    { mode: 'incremental', trigger: 'recovery' },
  )
  await raiseAbandoned(tx, runs)
  return [...asked.keys()]
}

async function raiseAbandoned(tx: Tx, runs: readonly AbandonedRun[]): Promise<void> {
  await raiseTotals(
    tx,
    runs.flatMap((run) => runTotals(run, 'abandoned', tx.now)),
  )
}
