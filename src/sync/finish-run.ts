import { noteServed } from '../connections/service-state.ts'
import { rowsOfPrepared, type Tx } from '../db/database.ts'
import { ENTITIES } from '../domain/entity.ts'
import type { RunStatus } from '../domain/sync-run.ts'
import { MAPPING_VERSION } from '../quickbooks/mappers.ts'
import { fenced } from './fenced.ts'
import { changedRecords, recordTotals, reportOf, runTotals } from './report.ts'
import { countsOf, isAhead, listedSince, servedRequestOf, stateOf, type Run } from './run.ts'

export interface FinishedRun {
  readonly status: RunStatus
  /** Somebody asked for one more run while this one was under way, or since the listing began that it went on with. */
  readonly askedAgain: boolean
}

/** Ends a run that took everything: moves the watermarks, serves its request and closes it, in one transaction. */
export async function finishRun(run: Run): Promise<FinishedRun> {
  const rejected = ENTITIES.some((entity) => countsOf(run, entity).rejected > 0)
  const status: RunStatus = rejected ? 'partial' : 'succeeded'
  let askedAgain = false
  await fenced(run, async (tx) => {
    await moveWatermarks(tx, run)
    askedAgain = await serveRequest(tx, run)
    await closeRun(tx, run, status)
    await noteServed(tx)
    return [...runTotals(run, status, tx.now), ...recordTotals(run)]
  })
  return { status, askedAgain }
}

/**
 * The only place where a watermark moves. It moves back only where QuickBooks' clock did, for an older listing may end
 * after a newer capture.
 */
async function moveWatermarks(tx: Tx, run: Run): Promise<void> {
  await rowsOfPrepared(
    tx.trx,
    `INSERT INTO sync_states AS s (realm_id, entity, watermark, last_synced_at, listing, mapping_version)
     SELECT :realmId, w.entity, w.watermark, :now, NULL, :mappingVersion
       FROM jsonb_to_recordset(CAST(:watermarks AS jsonb)) AS w (entity text, watermark timestamptz)
     ON CONFLICT (realm_id, entity) DO UPDATE
        SET watermark = CASE WHEN excluded.entity = ANY (:putBack) THEN excluded.watermark
                             ELSE greatest(s.watermark, excluded.watermark) END,
            last_synced_at = excluded.last_synced_at,
            listing = NULL,
            mapping_version = excluded.mapping_version`,
    {
      realmId: run.realmId,
      now: tx.now,
      mappingVersion: MAPPING_VERSION,
      putBack: ENTITIES.filter((entity) =>
        isAhead(stateOf(run, entity).watermark, run.firstAnswerAt ?? tx.now),
      ),
      watermarks: JSON.stringify([...run.watermarks].map(([entity, watermark]) => ({ entity, watermark }))),
    },
  )
}

async function serveRequest(tx: Tx, run: Run): Promise<boolean> {
  const [company] = await rowsOfPrepared<{ askedAgain: boolean }>(
    tx.trx,
    `UPDATE companies
        SET served_seq = greatest(served_seq, :servedRequest),
            home_currency = :homeCurrency,
            failures_in_a_row = 0,
            failing_since = NULL,
            failing_code = NULL,
            not_before = NULL,
            not_before_code = NULL,
            last_success_at = :now,
            last_reconciled_at = coalesce(:listedSince, last_reconciled_at),
            status_changed_at = CASE WHEN status = 'unavailable' THEN :now ELSE status_changed_at END,
            status_code = CASE WHEN status = 'unavailable' THEN NULL ELSE status_code END,
            status = CASE WHEN status = 'unavailable' THEN 'active' ELSE status END
      WHERE realm_id = :realmId
      RETURNING requested_seq > served_seq AS "askedAgain"`,
    {
      realmId: run.realmId,
      servedRequest: servedRequestOf(run),
      homeCurrency: run.homeCurrency,
      listedSince: run.mode === 'full' ? listedSince(run) : null,
      now: tx.now,
    },
  )
  return company?.askedAgain ?? false
}

async function closeRun(tx: Tx, run: Run, status: RunStatus): Promise<void> {
  await rowsOfPrepared(
    tx.trx,
    `UPDATE sync_runs
        SET status = :status, mode = :mode, finished_at = :now, requests = :requests, metered_calls = :meteredCalls,
            changed = :changed, entities = CAST(:entities AS jsonb), served_request = :servedRequest
      WHERE id = :runId`,
    {
      runId: run.id,
      servedRequest: servedRequestOf(run),
      status,
      mode: run.mode,
      now: tx.now,
      requests: run.requests,
      meteredCalls: run.meteredCalls,
      changed: changedRecords(run) > 0,
      entities: JSON.stringify(reportOf(run, 'moved')),
    },
  )
}
