import type { Knex } from 'knex'
import { rowsOf } from '../../db/database.ts'
import type { Entity } from '../../domain/entity.ts'
import { parseJson, type JsonObject } from '../../domain/parse-json.ts'
import { MIRRORED_TABLES } from '../../models/mirrored-tables.ts'
import { momentOf } from '../moment.ts'
import type { HeldVersion, VersionPair } from './held-version.ts'

/** What names one version. */
export interface VersionKey {
  readonly realmId: string
  readonly qboId: string
  /** As Postgres or ISO 8601 writes it, to the microsecond. */
  readonly validFrom: string
}

/**
 * The versions of these keys, each with the one before it, in the order of the keys; versions purged meanwhile are left
 * out. Every row is found by the key of its table or by the index on the periods of history: the LIMITs make it a
 * lookup of one row per key, where a join would read everything.
 */
export async function readPairs<Of extends Entity>(
  knex: Knex,
  entity: Of,
  keys: readonly VersionKey[],
): Promise<VersionPair<Of>[]> {
  if (keys.length === 0) return []
  const { table } = MIRRORED_TABLES[entity]
  const rows = await rowsOf<Row>(
    knex,
    `SELECT ${columnsOf(entity, 'v', AFTER)}, ${columnsOf(entity, 'p', BEFORE)}
       FROM unnest(CAST(:realmIds AS text[]), CAST(:qboIds AS text[]), CAST(:validFroms AS timestamptz[]))
            WITH ORDINALITY AS k (realm_id, qbo_id, valid_from, place)
       JOIN LATERAL (SELECT *
                       FROM ${table}_versions w
                      WHERE w.realm_id = k.realm_id AND w.qbo_id = k.qbo_id AND w.valid_from = k.valid_from
                      LIMIT 1) v
         ON true
       LEFT JOIN LATERAL (SELECT *
                            FROM ${table}_history h
                           WHERE h.realm_id = k.realm_id AND h.qbo_id = k.qbo_id AND h.valid_from < k.valid_from
                           ORDER BY h.valid_from DESC
                           LIMIT 1) p
         ON true
      ORDER BY k.place`,
    {
      realmIds: keys.map(({ realmId }) => realmId),
      qboIds: keys.map(({ qboId }) => qboId),
      validFroms: keys.map(({ validFrom }) => validFrom),
    },
  )
  return rows.map((row) => ({
    before: row[`${BEFORE}qboId`] === null ? null : versionOf(entity, row, BEFORE),
    after: versionOf(entity, row, AFTER),
  }))
}

type Row = Readonly<Record<string, unknown>>

const AFTER = 'after.'
const BEFORE = 'before.'

const BOOKKEEPING = {
  realmId: 'realm_id',
  qboId: 'qbo_id',
  syncToken: 'sync_token',
  syncRunId: 'sync_run_id',
  sourceCreatedAt: 'source_created_at',
  sourceUpdatedAt: 'source_updated_at',
  sourceValidFrom: 'source_valid_from',
  observedAt: 'observed_at',
  lastSyncedAt: 'last_synced_at',
  deletedAt: 'deleted_at',
}

function columnsOf(entity: Entity, alias: string, prefix: string): string {
  const columns = Object.entries<string>({ ...BOOKKEEPING, ...MIRRORED_TABLES[entity].content })
  return [
    ...columns.map(([name, column]) => `${alias}.${column} AS "${prefix}${name}"`),
    ...['valid_from', 'valid_to', 'raw'].map(
      (column) => `CAST(${alias}.${column} AS text) AS "${prefix}${column}"`,
    ),
  ].join(', ')
}

function versionOf<Of extends Entity>(entity: Of, row: Row, prefix: string): HeldVersion<Of> {
  const pick = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, row[`${prefix}${name}`]]))
  const validTo = row[`${prefix}valid_to`] as string | null
  return {
    ...(pick(Object.keys(BOOKKEEPING)) as unknown as HeldVersion<Of>),
    content: pick(Object.keys(MIRRORED_TABLES[entity].content)) as unknown as HeldVersion<Of>['content'],
    raw: parseJson(row[`${prefix}raw`] as string) as JsonObject,
    validFrom: momentOf(row[`${prefix}valid_from`] as string),
    validTo: validTo === null ? null : momentOf(validTo),
  }
}
