import { rowsOf, type Tx } from '../db/database.ts'
import type { Reject } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import type { Run } from './run.ts'

/** Keeps what could not be taken. One that is still open is tried again later and later: after 1 hour, up to a day. */
export async function keepRejects(
  tx: Tx,
  run: Run,
  entity: Entity,
  rejects: readonly Reject[],
): Promise<void> {
  if (rejects.length === 0) return
  await tx.trx.raw(
    `INSERT INTO sync_rejects AS t (realm_id, entity, qbo_id, position, payload, code, reason, intuit_tid,
                                    sync_run_id, first_seen_at, last_seen_at, retry_at)
     SELECT DISTINCT ON (r.qbo_id, r.position)
            :realmId, :entity, r.qbo_id, r.position, r.payload, r.code, r.reason, r.intuit_tid,
            :runId, :now, :now, CAST(:now AS timestamptz) + interval '1 hour'
       FROM jsonb_to_recordset(CAST(:rejects AS jsonb))
         AS r (qbo_id text, position text, payload text, code text, reason text, intuit_tid text)
     ON CONFLICT (realm_id, entity, coalesce(qbo_id, ''), coalesce(position, '')) WHERE resolved_at IS NULL
     DO UPDATE SET payload = excluded.payload,
                   code = excluded.code,
                   reason = excluded.reason,
                   intuit_tid = excluded.intuit_tid,
                   sync_run_id = excluded.sync_run_id,
                   last_seen_at = excluded.last_seen_at,
                   attempts = t.attempts + 1,
                   retry_at = excluded.last_seen_at + least(interval '1 day', interval '1 hour' * 2 ^ least(t.attempts, 8))`,
    {
      realmId: run.realmId,
      entity,
      runId: run.id,
      now: tx.now,
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

/** Closes the open rejects of records that were now taken, or that QuickBooks no longer has. */
export async function resolveRejects(
  tx: Tx,
  run: Run,
  entity: Entity,
  qboIds: readonly string[],
): Promise<void> {
  if (qboIds.length === 0) return
  await tx.trx.raw(
    `UPDATE sync_rejects
        SET resolved_at = :now
      WHERE realm_id = :realmId AND entity = :entity AND qbo_id = ANY (:qboIds) AND resolved_at IS NULL`,
    { realmId: run.realmId, entity, qboIds: [...qboIds], now: tx.now },
  )
}

/** Closes the rejects known by position alone that a complete listing no longer met. */
export async function resolveUnreadable(tx: Tx, run: Run, entity: Entity): Promise<void> {
  await tx.trx.raw(
    `UPDATE sync_rejects
        SET resolved_at = :now
      WHERE realm_id = :realmId AND entity = :entity AND qbo_id IS NULL AND resolved_at IS NULL
        AND sync_run_id <> :runId`,
    { realmId: run.realmId, entity, runId: run.id, now: tx.now },
  )
}

function rejectRow({ qboId, position, payload, reason }: Reject) {
  return {
    qbo_id: qboId,
    position,
    payload: storable(payload),
    code: reason.code,
    reason: storable(reason.message),
    intuit_tid: reason.details.intuitTid ?? null,
  }
}

/** Postgres' text holds neither a null byte nor half of a surrogate pair, and a quotation may have cut one in two. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\\u0000').toWellFormed()
}
