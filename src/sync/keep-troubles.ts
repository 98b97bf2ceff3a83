import { rowsOf, type Tx } from '../db/database.ts'
import { entityWaitSeconds } from '../domain/fate.ts'
import type { Entity } from '../domain/entity.ts'
import type { EntityError } from '../domain/sync-run.ts'
import { stateOf } from './entity-state.ts'
import type { Run, RunTrouble } from './run.ts'

export interface TroubleOptions {
  readonly intervalSeconds: number
  /** In [0, 1). */
  readonly random: () => number
}

/** Keeps, for entities whose watermark stands still, how far their changes are written and when to try them again. */
export async function keepTroubles(tx: Tx, run: Run, options: TroubleOptions): Promise<void> {
  const captured = [...run.captured].filter(([entity]) => !run.watermarks.has(entity))
  const troubles = [...run.troubles].map(([entity, trouble]) => troubleRow(tx, run, entity, trouble, options))
  if (captured.length > 0) {
    await rowsOf(
      tx.trx,
      `INSERT INTO sync_states AS s (realm_id, entity, captured_until)
       SELECT :realmId, c.entity, c.captured_until
         FROM jsonb_to_recordset(CAST(:captured AS jsonb)) AS c (entity text, captured_until timestamptz)
       ON CONFLICT (realm_id, entity) DO UPDATE SET captured_until = excluded.captured_until`,
      {
        realmId: run.realmId,
        captured: JSON.stringify(captured.map(([entity, until]) => ({ entity, captured_until: until }))),
      },
    )
  }
  if (troubles.length === 0) return
  await rowsOf(
    tx.trx,
    `INSERT INTO sync_states AS s (realm_id, entity, error_code, error_message, error_intuit_tid, error_since,
                                   error_failures, not_before, owes)
     SELECT :realmId, t.entity, t.code, t.message, t.intuit_tid, :now, t.failures, t.not_before, t.owes
       FROM jsonb_to_recordset(CAST(:troubles AS jsonb))
         AS t (entity text, code text, message text, intuit_tid text, failures integer, not_before timestamptz,
               owes text)
     ON CONFLICT (realm_id, entity) DO UPDATE
        SET error_code = excluded.error_code,
            error_message = excluded.error_message,
            error_intuit_tid = excluded.error_intuit_tid,
            error_since = CASE WHEN s.error_code IS NULL THEN excluded.error_since ELSE s.error_since END,
            error_failures = excluded.error_failures,
            not_before = excluded.not_before,
            owes = excluded.owes`,
    { realmId: run.realmId, now: tx.now, troubles: JSON.stringify(troubles) },
  )
}

/** Why the watermark of an entity stands still after this run; null when it moves. */
export function errorOf(run: Run, entity: Entity): EntityError | null {
  const trouble = run.troubles.get(entity)
  if (trouble) return entityErrorOf(trouble)
  const standing = stateOf(run, entity).trouble
  if (!standing || run.watermarks.has(entity)) return null
  const { code, message, intuitTid } = standing
  return { code, message, intuitTid }
}

export function entityErrorOf({ error }: RunTrouble): EntityError {
  const { code, message, details } = error
  return { code, message: message.replaceAll('\u0000', ''), intuitTid: details.intuitTid ?? null }
}

function troubleRow(
  tx: Tx,
  run: Run,
  entity: Entity,
  trouble: RunTrouble,
  { intervalSeconds, random }: TroubleOptions,
) {
  const { code, message, intuitTid } = entityErrorOf(trouble)
  // A listing that came further is making progress, however often it is interrupted.
  const before = run.advanced.has(entity) ? 0 : (stateOf(run, entity).trouble?.failures ?? 0)
  const waitSeconds = entityWaitSeconds(
    trouble.error,
    {
      failuresBefore: before,
      intervalSeconds,
      jitter: random(),
    },
    { listsIt: trouble.owes === 'listing' },
  )
  return {
    entity,
    code,
    message,
    intuit_tid: intuitTid,
    failures: before + 1,
    not_before: new Date(tx.now.getTime() + waitSeconds * 1000),
    owes: trouble.owes,
  }
}
