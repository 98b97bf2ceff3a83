import { rowsOf, type Tx } from '../db/database.ts'
import type { Change, Page, Reject } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import type { Run } from './run.ts'

/**
 * Keeps what could not be taken. An open reject is retried at growing intervals, from an hour to a day.
 *
 * @param observedAt the `time` of the answer that brought them; null for payloads that were stored here.
 */
export async function keepRejects(
  tx: Tx,
  run: Run,
  entity: Entity,
  { rejects, observedAt }: { readonly rejects: readonly Reject[]; readonly observedAt: Date | null },
): Promise<void> {
  if (rejects.length === 0) return
  await tx.trx.raw(
    `INSERT INTO sync_rejects AS t (realm_id, entity, qbo_id, position, payload, code, reason, intuit_tid,
                                    source_updated_at, observed_at, sync_run_id, first_seen_at, last_seen_at, retry_at)
     SELECT DISTINCT ON (r.qbo_id, r.position)
            :realmId, :entity, r.qbo_id, r.position, r.payload, r.code, r.reason, r.intuit_tid,
            r.source_updated_at, :observedAt, :runId, :now, :now, CAST(:now AS timestamptz) + interval '1 hour'
       FROM jsonb_to_recordset(CAST(:rejects AS jsonb))
         AS r (qbo_id text, position text, payload text, code text, reason text, intuit_tid text,
               source_updated_at timestamptz)
     ON CONFLICT (realm_id, entity, coalesce(qbo_id, ''), coalesce(position, '')) WHERE resolved_at IS NULL
     DO UPDATE SET payload = excluded.payload,
                   code = excluded.code,
                   reason = excluded.reason,
                   intuit_tid = excluded.intuit_tid,
                   source_updated_at = greatest(t.source_updated_at, excluded.source_updated_at),
                   observed_at = greatest(t.observed_at, excluded.observed_at),
                   sync_run_id = excluded.sync_run_id,
                   last_seen_at = excluded.last_seen_at,
                   attempts = t.attempts + 1,
                   retry_at = ${LATER}`,
    {
      realmId: run.realmId,
      entity,
      runId: run.id,
      now: tx.now,
      observedAt,
      rejects: JSON.stringify(rejects.map(rejectRow)),
    },
  )
}

/** Which of the given records have an open reject. */
export async function readRejected(
  tx: Tx,
  realmId: string,
  entity: Entity,
  qboIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await rowsOf<{ qboId: string }>(
    tx.trx,
    `SELECT qbo_id AS "qboId"
       FROM sync_rejects
      WHERE realm_id = :realmId AND entity = :entity AND qbo_id = ANY (:qboIds) AND resolved_at IS NULL`,
    { realmId, entity, qboIds: [...qboIds] },
  )
  return new Set(rows.map(({ qboId }) => qboId))
}

/** Puts off rejects that were due and about which nothing could be learnt. */
export async function putOffRejects(
  tx: Tx,
  run: Run,
  entity: Entity,
  qboIds: readonly string[],
): Promise<void> {
  await tx.trx.raw(
    `UPDATE sync_rejects t
        SET attempts = t.attempts + 1,
            retry_at = ${LATER}
      WHERE realm_id = :realmId AND entity = :entity AND qbo_id = ANY (:qboIds) AND resolved_at IS NULL`,
    { realmId: run.realmId, entity, qboIds: [...qboIds], now: tx.now },
  )
}

/**
 * Closes the open rejects of records of which something later has now been taken, a delete included. A copy older than
 * the rejected one settles nothing: what was rejected is still missing.
 */
export async function resolveRejects(
  tx: Tx,
  run: Run,
  entity: Entity,
  { changes, observedAt }: Pick<Page, 'changes' | 'observedAt'>,
  { authoritative }: { readonly authoritative: boolean },
): Promise<void> {
  if (changes.length === 0) return
  await tx.trx.raw(
    `UPDATE sync_rejects t
        SET resolved_at = :now
       FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS r (qbo_id text, source_updated_at timestamptz)
      WHERE t.realm_id = :realmId AND t.entity = :entity AND t.qbo_id = r.qbo_id AND t.resolved_at IS NULL
        AND (:hasLastWord
             OR coalesce(t.observed_at <= :observedAt, true)
                AND coalesce(t.source_updated_at <= r.source_updated_at, true))`,
    {
      realmId: run.realmId,
      entity,
      now: tx.now,
      observedAt,
      // As with records: a reading of this run shows what QuickBooks has now, whatever its clock showed before.
      hasLastWord: authoritative && observedAt >= (run.firstAnswerAt ?? observedAt),
      changes: JSON.stringify(changes.map(changeRow)),
    },
  )
}

// After an hour, doubling up to a day.
const LATER = `CAST(:now AS timestamptz) + least(interval '1 day', interval '1 hour' * 2 ^ least(t.attempts, 8))`

function changeRow({ qboId, sourceUpdatedAt }: Change) {
  return { qbo_id: qboId, source_updated_at: sourceUpdatedAt }
}

function rejectRow({ qboId, position, payload, reason, sourceUpdatedAt }: Reject) {
  return {
    qbo_id: qboId,
    position,
    payload: storable(payload),
    code: reason.code,
    reason: storable(reason.message),
    intuit_tid: reason.details.intuitTid ?? null,
    source_updated_at: sourceUpdatedAt ?? null,
  }
}

/** Postgres' text holds neither a null byte nor half of a surrogate pair, and cutting an excerpt may have split one. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\\u0000').toWellFormed()
}
