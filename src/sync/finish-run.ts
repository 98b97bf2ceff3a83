import type { Logger } from 'winston'
import { logStop } from '../connections/log-stop.ts'
import { noteServed } from '../connections/service-state.ts'
import { rowsOfPrepared, type Tx } from '../db/database.ts'
import { ENTITIES } from '../domain/entity.ts'
import type { StopChange } from '../domain/service-stop.ts'
import type { RunStatus } from '../domain/sync-run.ts'
import { MAPPING_VERSION } from '../quickbooks/mappers.ts'
import { fenced } from './fenced.ts'
import { endDoubt } from './disappearance.ts'
import { entityErrorOf, errorOf, keepTroubles, type TroubleOptions } from './keep-troubles.ts'
import { changedRecords, failureTotals, recordTotals, reportOf, runTotals } from './report.ts'
import { isAhead, stateOf } from './entity-state.ts'
import { listedSince, servedRequestOf } from './resumable-listing.ts'
import { RECENT_CALLS } from './run-pace.ts'
import type { Run } from './run.ts'
import { countsOf } from './run-progress.ts'

export interface FinishedRun {
  readonly status: 'succeeded' | 'partial'
  /** Somebody asked for one more run while this one was under way, or since the listing that it resumed began. */
  readonly askedAgain: boolean
}

export interface FinishOptions extends TroubleOptions {
  readonly log: Logger
}

/**
 * Ends a run that took what it could, in one transaction: moves the watermarks of the entities that are complete, keeps
 * why the others are not, serves its request and closes it. What an entity still owes is kept with the entity.
 */
export async function finishRun(run: Run, options: FinishOptions): Promise<FinishedRun> {
  const isWhole = ENTITIES.every(
    (entity) => countsOf(run, entity).rejected === 0 && errorOf(run, entity) === null,
  )
  const status = isWhole ? 'succeeded' : 'partial'
  let askedAgain = false
  let resumed: StopChange | null = null
  await fenced(run, async (tx) => {
    // The company first, in the same order as a confirmed disappearance.
    askedAgain = await serveRequest(tx, run, isWhole)
    await moveWatermarks(tx, run)
    await endDoubts(tx, run)
    await keepTroubles(tx, run, options)
    await closeRun(tx, run, status)
    resumed = await noteServed(tx, run.startedAt)
    const failures = [...run.troubles.values()].flatMap(({ error }) => failureTotals(run.realmId, error.code))
    return [...runTotals(run, status, tx.now), ...recordTotals(run), ...failures]
  })
  logStop(options.log, resumed)
  return { status, askedAgain }
}

/**
 * The only place where a watermark moves. It moves back only where QuickBooks' clock did, because an older listing may
 * end after a newer capture.
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
            captured_until = NULL,
            error_code = NULL,
            error_message = NULL,
            error_intuit_tid = NULL,
            error_since = NULL,
            error_failures = 0,
            not_before = NULL,
            owes = NULL,
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

/** Only a complete listing moves the watermark of an entity in doubt. */
async function endDoubts(tx: Tx, run: Run): Promise<void> {
  for (const entity of run.watermarks.keys()) {
    if (stateOf(run, entity).trouble?.code === 'mass_disappearance') await endDoubt(tx, run, entity)
  }
}

async function serveRequest(tx: Tx, run: Run, isWhole: boolean): Promise<boolean> {
  const [company] = await rowsOfPrepared<{ askedAgain: boolean }>(
    tx.trx,
    `UPDATE companies
        SET served_seq = greatest(served_seq, :servedRequest),
            home_currency = :homeCurrency,
            failures_in_a_row = 0,
            failing_since = NULL,
            failing_code = NULL,
            failing_code_since = NULL,
            not_before = NULL,
            not_before_code = NULL,
            last_success_at = CASE WHEN :isWhole THEN CAST(:now AS timestamptz) ELSE last_success_at END,
            last_served_at = :now,
            last_reconciled_at = coalesce(:listedSince, last_reconciled_at),
            recent_calls = ${RECENT_CALLS},
            status_changed_at = CASE WHEN status = 'unavailable' THEN :now ELSE status_changed_at END,
            status_code = CASE WHEN status = 'unavailable' THEN NULL ELSE status_code END,
            status = CASE WHEN status = 'unavailable' THEN 'active' ELSE status END
      WHERE realm_id = :realmId
      RETURNING requested_seq > served_seq AS "askedAgain"`,
    {
      realmId: run.realmId,
      servedRequest: servedRequestOf(run),
      homeCurrency: run.homeCurrency,
      isWhole,
      listedSince: run.mode === 'full' ? listedSince(run) : null,
      now: tx.now,
      callAgesMs: run.pace.agesMs(),
    },
  )
  return company?.askedAgain ?? false
}

async function closeRun(tx: Tx, run: Run, status: RunStatus): Promise<void> {
  await rowsOfPrepared(
    tx.trx,
    `UPDATE sync_runs
        SET status = :status, mode = :mode, finished_at = :now, requests = :requests, metered_calls = :meteredCalls,
            changed = :changed, entities = CAST(:entities AS jsonb), served_request = :servedRequest,
            error_code = :code, error_message = :message, intuit_tid = :intuitTid
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
      ...firstError(run),
    },
  )
}

/** A partial run carries the error of its first failed entity, so that a search for a code finds the run. */
function firstError(run: Run) {
  const [first] = run.troubles
  if (!first) return { code: null, message: null, intuitTid: null }
  const [entity, trouble] = first
  const { code, message, intuitTid } = entityErrorOf(trouble)
  return { code, message: `${entity}: ${message}`, intuitTid }
}
