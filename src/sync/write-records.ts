import type { Knex } from 'knex'
import { jsonbArray, textArray, timestamptzArray } from '../db/array-parameters.ts'
import { rowsOfPrepared, type Tx } from '../db/database.ts'
import type { Content, Tombstone, Version } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES, type ColumnType } from '../models/mirrored-tables.ts'
import { MAPPING_VERSION } from '../quickbooks/mappers.ts'

export interface WriteContext {
  readonly tx: Tx
  readonly realmId: string
  readonly runId: number
  readonly entity: Entity
  readonly observedAt: Date
  readonly authoritative: boolean
}

// The ids are given to updates twice, with the rows and alone: otherwise a cached plan would read all of a company's
// records to find a few.
const BY_KEY = `t.realm_id = :realmId AND t.qbo_id = r.qbo_id AND t.qbo_id = ANY (CAST(:qboIds AS text[]))`

/** Inserts records or replaces their content. @returns the ids written. */
export async function writeAll(
  context: WriteContext,
  versions: readonly Version[],
  sourceValidFrom: (version: Version) => Date,
): Promise<string[]> {
  if (versions.length === 0) return []
  const columns = columnsOf(context.entity, versions, sourceValidFrom)
  const names = columns.map(({ name }) => name)
  const same = ['observed_at', 'last_synced_at', 'mapping_version', 'sync_run_id']
  return idsOf(
    context,
    `INSERT INTO ${MIRRORED_TABLES[context.entity].table} AS t (realm_id, qbo_id, ${[...names, ...same].join(', ')})
     SELECT :realmId, r.qbo_id, ${columns.map(({ name, type }) => `CAST(r.${name} AS ${type})`).join(', ')},
            :observedAt, :now, :mappingVersion, :runId
       FROM (SELECT unnest(CAST(:qboIds AS text[])) AS qbo_id,
                    ${columns.map(({ name, sentAs }) => `unnest(CAST(:${name} AS ${sentAs}[])) AS ${name}`).join(', ')}) AS r
      ORDER BY r.qbo_id
     ON CONFLICT (realm_id, qbo_id) DO UPDATE
        SET deleted_at = NULL, ${[...names, ...same].map((name) => `${name} = excluded.${name}`).join(', ')}
      WHERE ${notOlderThan('excluded')}
     RETURNING t.qbo_id`,
    {
      observedAt: context.observedAt,
      mappingVersion: MAPPING_VERSION,
      qboIds: textArray(versions.map(({ qboId }) => qboId)),
      ...Object.fromEntries(columns.map(({ name, values }) => [name, values])),
    },
  )
}

/** Notes that QuickBooks touched records without changing their content: no version. @returns the ids written. */
export async function touchAll(context: WriteContext, versions: readonly Version[]): Promise<string[]> {
  if (versions.length === 0) return []
  return idsOf(
    context,
    `UPDATE ${MIRRORED_TABLES[context.entity].table} AS t
        SET sync_token = r.sync_token,
            source_updated_at = r.source_updated_at,
            observed_at = r.observed_at,
            last_synced_at = :now
       FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (qbo_id text, sync_token text, source_updated_at timestamptz, observed_at timestamptz)
      WHERE ${BY_KEY} AND ${notOlderThan('r')}
     RETURNING t.qbo_id`,
    {
      qboIds: textArray(versions.map(({ qboId }) => qboId)),
      rows: JSON.stringify(
        versions.map((version) => ({
          qbo_id: version.qboId,
          sync_token: version.syncToken,
          source_updated_at: version.sourceUpdatedAt,
          observed_at: context.observedAt,
        })),
      ),
    },
  )
}

/** Marks records as deleted in QuickBooks; the rows stay. @returns the ids written. */
export async function deleteAll(context: WriteContext, tombstones: readonly Tombstone[]): Promise<string[]> {
  if (tombstones.length === 0) return []
  return idsOf(
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
      WHERE ${BY_KEY} AND t.deleted_at IS NULL AND ${notOlderThan('r')}
     RETURNING t.qbo_id`,
    {
      qboIds: textArray(tombstones.map(({ qboId }) => qboId)),
      rows: tombstoneRows(context, tombstones),
    },
  )
}

/** Keeps the deletes of records that were never seen. */
export async function keepTombstones(context: WriteContext, tombstones: readonly Tombstone[]): Promise<void> {
  if (tombstones.length === 0) return
  await rowsOfPrepared(
    context.tx.trx,
    `INSERT INTO tombstones (realm_id, entity, qbo_id, source_updated_at, observed_at, deleted_at, sync_run_id)
     SELECT :realmId, :entity, r.qbo_id, r.source_updated_at, r.observed_at, :now, :runId
       FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (qbo_id text, source_updated_at timestamptz, observed_at timestamptz)
      ORDER BY r.qbo_id
     ON CONFLICT (realm_id, entity, qbo_id) DO NOTHING`,
    { ...bindings(context), rows: tombstoneRows(context, tombstones) },
  )
}

/** Removes the tombstones of records that turned out to be alive. */
export async function liftTombstones(context: WriteContext, qboIds: readonly string[]): Promise<void> {
  if (qboIds.length === 0) return
  await rowsOfPrepared(
    context.tx.trx,
    `DELETE FROM tombstones WHERE realm_id = :realmId AND entity = :entity AND qbo_id = ANY (:qboIds)`,
    { ...bindings(context), qboIds: [...qboIds] },
  )
}

/**
 * Whether the row to write is no older than the stored row `t`. The decision was made on rows read without a lock, so
 * each write checks again. An authoritative reading need not: its decision stands, and the fence makes sure that nobody
 * else wrote meanwhile.
 */
function notOlderThan(row: 'r' | 'excluded'): string {
  return `(:authoritative OR (t.source_updated_at, t.observed_at) <= (${row}.source_updated_at, ${row}.observed_at))`
}

/** One row with all ids: a thousand rows of one would cost Node more than making the parameters did. */
async function idsOf(
  context: WriteContext,
  writing: string,
  more: Record<string, Knex.RawBinding>,
): Promise<string[]> {
  const [row] = await rowsOfPrepared<{ qboIds: string[] | null }>(
    context.tx.trx,
    `WITH written AS (
       ${writing}
     )
     SELECT json_agg(qbo_id) AS "qboIds" FROM written`,
    { ...bindings(context), ...more },
  )
  return row?.qboIds ?? []
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

interface Column {
  readonly name: string
  readonly type: string
  readonly sentAs: 'text' | 'jsonb' | 'timestamptz'
  readonly values: Buffer
}

/** The columns that differ from record to record. */
function columnsOf(
  entity: Entity,
  versions: readonly Version[],
  sourceValidFrom: (version: Version) => Date,
): Column[] {
  const moments = (name: string, valueOf: (version: Version) => Date | null): Column => ({
    name,
    type: 'timestamptz',
    sentAs: 'timestamptz',
    values: timestamptzArray(versions.map(valueOf)),
  })
  const texts = (name: string, type: string, valueOf: (version: Version) => string | null): Column => ({
    name,
    type,
    sentAs: 'text',
    values: textArray(versions.map(valueOf)),
  })
  const { content, types } = MIRRORED_TABLES[entity]
  return [
    ...Object.entries<string>(content).map(([field, name]) =>
      texts(name, (types as Record<string, ColumnType>)[field]!, ({ content: of }) => textOf(of, field)),
    ),
    texts('sync_token', 'text', (version) => version.syncToken),
    moments('source_created_at', (version) => version.sourceCreatedAt),
    moments('source_updated_at', (version) => version.sourceUpdatedAt),
    moments('source_valid_from', sourceValidFrom),
    texts('content_hash', 'text', (version) => version.contentHash),
    // The text as it came: parsing and writing it again could lose digits.
    { name: 'raw', type: 'jsonb', sentAs: 'jsonb', values: jsonbArray(versions.map(({ raw }) => raw)) },
  ]
}

function textOf(content: Content, field: string): string | null {
  const value = (content as unknown as Record<string, string | boolean | null>)[field]
  return value === null || value === undefined ? null : String(value)
}
