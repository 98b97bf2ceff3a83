import type { Knex } from 'knex'
import { rowsOfPrepared, type Tx } from '../db/database.ts'
import type { Page } from '../domain/change.ts'
import type { Known, KnownRecord } from '../domain/decide.ts'
import type { Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import type { Run } from './run.ts'

type KnownRow = KnownRecord & { readonly qboId: string }
type BuriedRow = { readonly qboId: string; readonly sourceUpdatedAt: Date; readonly observedAt: Date }

/** Notes that QuickBooks had these records when it was asked, whether or not anything about them changed. */
export async function noteAlive(
  tx: Tx,
  run: Run,
  entity: Entity,
  { changes, observedAt }: Page,
): Promise<void> {
  await rowsOfPrepared(
    tx.trx,
    `UPDATE ${MIRRORED_TABLES[entity].table}
        SET observed_at = greatest(observed_at, :observedAt), last_synced_at = :now
      WHERE realm_id = :realmId AND qbo_id = ANY (:qboIds) AND deleted_at IS NULL`,
    { realmId: run.realmId, qboIds: changes.map(({ qboId }) => qboId), observedAt, now: tx.now },
  )
}

/** What the mirror knows about the given ids; unknown ids are left out. */
export async function readKnown(
  on: Knex | Knex.Transaction,
  realmId: string,
  entity: Entity,
  qboIds: readonly string[],
): Promise<Map<string, Known>> {
  const records = await rowsOfPrepared<KnownRow>(
    on,
    `SELECT qbo_id AS "qboId", content_hash AS "contentHash", sync_token AS "syncToken",
            source_updated_at AS "sourceUpdatedAt", observed_at AS "observedAt", deleted_at IS NOT NULL AS deleted
       FROM ${MIRRORED_TABLES[entity].table}
      WHERE realm_id = :realmId AND qbo_id = ANY (:qboIds)`,
    { realmId, qboIds: [...qboIds] },
  )
  const known = new Map<string, Known>(records.map((record) => [record.qboId, { record, buried: null }]))
  const unseen = qboIds.filter((qboId) => !known.has(qboId))
  if (unseen.length === 0) return known
  const buried = await rowsOfPrepared<BuriedRow>(
    on,
    `SELECT qbo_id AS "qboId", source_updated_at AS "sourceUpdatedAt", observed_at AS "observedAt"
       FROM tombstones
      WHERE realm_id = :realmId AND entity = :entity AND qbo_id = ANY (:unseen)`,
    { realmId, entity, unseen },
  )
  for (const row of buried) known.set(row.qboId, { record: null, buried: row })
  return known
}
