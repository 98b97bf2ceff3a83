import { rowsOf, type Tx } from '../db/database.ts'
import type { Tombstone, Version } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { MAPPING_VERSION } from '../quickbooks/mappers.ts'

export interface WriteContext {
  readonly tx: Tx
  readonly realmId: string
  readonly runId: number
  readonly entity: Entity
  readonly observedAt: Date
  readonly authoritative: boolean
}

// Decisions are made on rows that were read without a lock, so each write asks again.
const NOT_OLDER = `(:authoritative OR (t.source_updated_at, t.observed_at) <= (r.source_updated_at, r.observed_at))`

const BOOKKEEPING_COLUMNS = [
  'sync_token',
  'source_created_at',
  'source_updated_at',
  'source_valid_from',
  'observed_at',
  'last_synced_at',
  'deleted_at',
  'content_hash',
  'mapping_version',
  'sync_run_id',
  'raw',
]

/** Inserts records or replaces their content. @returns the ids written. */
export async function writeAll(
  context: WriteContext,
  versions: readonly Version[],
  sourceValidFrom: (version: Version) => Date,
): Promise<string[]> {
  if (versions.length === 0) return []
  const { table, content } = MIRRORED_TABLES[context.entity]
  const columns = [...Object.values<string>(content), ...BOOKKEEPING_COLUMNS]
  const rows = versions.map((version) => rowText(context, version, sourceValidFrom(version)))
  return written(
    context,
    `INSERT INTO ${table} AS t (realm_id, qbo_id, ${columns.join(', ')})
     SELECT r.realm_id, r.qbo_id, ${columns.map((column) => `r.${column}`).join(', ')}
       FROM jsonb_populate_recordset(NULL::${table}, CAST(:rows AS jsonb)) AS r
      ORDER BY r.qbo_id
     ON CONFLICT (realm_id, qbo_id) DO UPDATE
        SET ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}
      WHERE ${NOT_OLDER.replaceAll('r.', 'excluded.')}
     RETURNING t.qbo_id AS "qboId"`,
    `[${rows.join(',')}]`,
  )
}

/** Notes that QuickBooks touched records without changing what they say: no version. @returns the ids written. */
export async function touchAll(context: WriteContext, versions: readonly Version[]): Promise<string[]> {
  if (versions.length === 0) return []
  return written(
    context,
    `UPDATE ${MIRRORED_TABLES[context.entity].table} AS t
        SET sync_token = r.sync_token,
            source_updated_at = r.source_updated_at,
            observed_at = r.observed_at,
            last_synced_at = :now
       FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (qbo_id text, sync_token text, source_updated_at timestamptz, observed_at timestamptz)
      WHERE t.realm_id = :realmId AND t.qbo_id = r.qbo_id AND ${NOT_OLDER}
     RETURNING t.qbo_id AS "qboId"`,
    JSON.stringify(
      versions.map((version) => ({
        qbo_id: version.qboId,
        sync_token: version.syncToken,
        source_updated_at: version.sourceUpdatedAt,
        observed_at: context.observedAt,
      })),
    ),
  )
}

/** Marks records as deleted in QuickBooks; the rows stay. @returns the ids written. */
export async function deleteAll(context: WriteContext, tombstones: readonly Tombstone[]): Promise<string[]> {
  if (tombstones.length === 0) return []
  return written(
    context,
    `UPDATE ${MIRRORED_TABLES[context.entity].table} AS t
        SET deleted_at = :now,
            source_updated_at = r.source_updated_at,
            source_valid_from = r.source_updated_at,
            observed_at = r.observed_at,
            last_synced_at = :now,
            sync_run_id = :runId
       FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (qbo_id text, source_updated_at timestamptz, observed_at timestamptz)
      WHERE t.realm_id = :realmId AND t.qbo_id = r.qbo_id AND t.deleted_at IS NULL AND ${NOT_OLDER}
     RETURNING t.qbo_id AS "qboId"`,
    tombstoneRows(context, tombstones),
  )
}

/** Keeps the deletes of records that were never seen. */
export async function buryAll(context: WriteContext, tombstones: readonly Tombstone[]): Promise<void> {
  if (tombstones.length === 0) return
  await context.tx.trx.raw(
    `INSERT INTO tombstones (realm_id, entity, qbo_id, source_updated_at, observed_at, deleted_at, sync_run_id)
     SELECT :realmId, :entity, r.qbo_id, r.source_updated_at, r.observed_at, :now, :runId
       FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (qbo_id text, source_updated_at timestamptz, observed_at timestamptz)
      ORDER BY r.qbo_id
     ON CONFLICT (realm_id, entity, qbo_id) DO NOTHING`,
    { ...bindings(context), rows: tombstoneRows(context, tombstones) },
  )
}

/** Lifts the tombstones of records that turned out to be alive. */
export async function digUp(context: WriteContext, qboIds: readonly string[]): Promise<void> {
  if (qboIds.length === 0) return
  await context.tx.trx.raw(
    `DELETE FROM tombstones WHERE realm_id = :realmId AND entity = :entity AND qbo_id = ANY (:qboIds)`,
    { ...bindings(context), qboIds: [...qboIds] },
  )
}

async function written(context: WriteContext, sql: string, rows: string): Promise<string[]> {
  const returned = await rowsOf<{ qboId: string }>(context.tx.trx, sql, { ...bindings(context), rows })
  return returned.map((row) => row.qboId)
}

function bindings({ tx, realmId, runId, entity, authoritative }: WriteContext) {
  return { realmId, runId, entity, authoritative, now: tx.now }
}

function tombstoneRows({ observedAt }: WriteContext, tombstones: readonly Tombstone[]): string {
  return JSON.stringify(
    tombstones.map(({ qboId, sourceUpdatedAt }) => ({
      qbo_id: qboId,
      source_updated_at: sourceUpdatedAt,
      observed_at: observedAt,
    })),
  )
}

/** The payload goes in as the text it came as: parsed and written again it could lose digits. */
function rowText(context: WriteContext, version: Version, sourceValidFrom: Date): string {
  const { content } = MIRRORED_TABLES[context.entity]
  const row: Record<string, unknown> = {
    realm_id: context.realmId,
    qbo_id: version.qboId,
    sync_token: version.syncToken,
    source_created_at: version.sourceCreatedAt,
    source_updated_at: version.sourceUpdatedAt,
    source_valid_from: sourceValidFrom,
    observed_at: context.observedAt,
    last_synced_at: context.tx.now,
    deleted_at: null,
    content_hash: version.contentHash,
    mapping_version: MAPPING_VERSION,
    sync_run_id: context.runId,
  }
  const values = version.content as unknown as Record<string, unknown>
  for (const [name, column] of Object.entries<string>(content)) row[column] = values[name]
  return `${JSON.stringify(row).slice(0, -1)},"raw":${version.raw}}`
}
