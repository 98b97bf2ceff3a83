import type { Knex } from 'knex'
import { rowsOf } from '../../db/database.ts'
import type { ContentOf } from '../../domain/change.ts'
import { MIRRORED_TABLES } from '../../models/mirrored-tables.ts'

export type ShownEntity = 'bill' | 'invoice' | 'balance'

/** A row of the mirror as it is read: content, bookkeeping, and what its place in the mirror adds. */
export type RecordRow<Of extends ShownEntity> = ContentOf[Of] & {
  readonly realmId: string
  readonly qboId: string
  readonly syncToken: string | null
  readonly sourceUpdatedAt: Date
  readonly lastSyncedAt: Date
  readonly validFrom: Date
  readonly deletedAt: Date | null
  /** The party's name as it is now; null for one that the mirror does not have. */
  readonly partyName: string | null
  readonly status: string | null
  /** The payload's `Line` as text, which keeps every digit. */
  readonly lines: string | null
}

/** How the rows of one entity are read besides their columns. `d` is the row. */
export interface RecordShape {
  readonly party: { readonly table: string; readonly id: string } | null
  /** SQL. */
  readonly status: string
  readonly hasLines: boolean
}

export interface RecordSelection {
  /** SQL conditions over `d`, all of which hold. */
  readonly conditions: readonly string[]
  readonly bindings: Readonly<Record<string, Knex.RawBinding>>
  readonly limit: number
}

/** Reads rows in the order of their ids as text: an id never changes, so no page misses a row that moved. */
export async function readRecords<Of extends ShownEntity>(
  knex: Knex,
  entity: Of,
  shape: RecordShape,
  { conditions, bindings, limit }: RecordSelection,
): Promise<RecordRow<Of>[]> {
  const { table, content } = MIRRORED_TABLES[entity]
  const columns = Object.entries<string>({ ...BOOKKEEPING, ...content })
  return rowsOf<RecordRow<Of>>(
    knex,
    `SELECT ${columns.map(([name, column]) => `d.${column} AS "${name}"`).join(', ')},
            ${shape.party ? 'p.display_name' : 'NULL'} AS "partyName",
            ${shape.status} AS status,
            ${shape.hasLines ? `(d.raw -> 'Line')::text` : 'NULL'} AS lines
       FROM ${table} d
       ${partyJoin(shape)}
      WHERE ${conditions.join(' AND ')}
      ORDER BY d.qbo_id
      LIMIT :limit`,
    { ...bindings, limit },
  )
}

function partyJoin({ party }: RecordShape): string {
  if (!party) return ''
  return `LEFT JOIN ${party.table} p ON p.realm_id = d.realm_id AND p.qbo_id = d.${party.id}`
}

const BOOKKEEPING = {
  realmId: 'realm_id',
  qboId: 'qbo_id',
  syncToken: 'sync_token',
  sourceUpdatedAt: 'source_updated_at',
  lastSyncedAt: 'last_synced_at',
  validFrom: 'valid_from',
  deletedAt: 'deleted_at',
}
