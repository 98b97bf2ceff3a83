import type { Knex } from 'knex'
import type { ContentOf } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { rowsAt, type Moment } from './moment.ts'

/** A row of the mirror as it is read: content, bookkeeping, and what is joined to it. */
export type RecordRow<Of extends Entity> = ContentOf[Of] & {
  readonly qboId: string
  readonly syncToken: string | null
  /** Times as Postgres writes them: a `Date` loses the microseconds by which versions are told apart, and is slow. */
  readonly sourceUpdatedAt: string
  readonly lastSyncedAt: string
  readonly validFrom: string
  readonly deletedAt: string | null
  /** The party's name at the moment; null if the mirror does not have the party. */
  readonly partyName: string | null
  /** For a bill or an invoice. */
  readonly status?: string
  /** The payload's `Line` as text, which keeps every digit, if requested; null if there is none. */
  readonly lines?: string | null
}

export type Bindings = Readonly<Record<string, Knex.RawBinding>>

/** The list that names the party of a document, and the column that holds its id. */
export interface Party {
  readonly entity: 'vendor' | 'customer'
  readonly id: string
  /** The name as the document has it. */
  readonly name: string
}

export const PARTIES: { readonly [Of in Entity]: Party | null } = {
  bill: { entity: 'vendor', id: 'vendor_id', name: 'vendor_name' },
  invoice: { entity: 'customer', id: 'customer_id', name: 'customer_name' },
  balance: null,
  vendor: null,
  customer: null,
}

// Not shown, so not read: a hundred notes are most of a page.
const HIDDEN: ReadonlySet<string> = new Set(['apAccountId', 'privateNote'])

const TIMES = {
  sourceUpdatedAt: 'source_updated_at',
  lastSyncedAt: 'last_synced_at',
  validFrom: 'valid_from',
  deletedAt: 'deleted_at',
}

export interface Column {
  readonly name: string
  /** Over `d`. */
  readonly sql: string
}

/** The columns of a row, except the party's name. They need `:today` bound. */
export function rowColumns(
  entity: Entity,
  { withLines }: { readonly withLines: boolean },
): readonly Column[] {
  const { content } = MIRRORED_TABLES[entity]
  const shown = Object.entries<string>(content).filter(([name]) => !HIDDEN.has(name))
  return [
    ...[['qboId', 'qbo_id'], ['syncToken', 'sync_token'], ...shown].map(([name, column]) => ({
      name: name!,
      sql: `d.${column}`,
    })),
    ...Object.entries(TIMES).map(([name, column]) => ({ name, sql: `CAST(d.${column} AS text)` })),
    ...statusColumn(entity),
    ...(withLines && PARTIES[entity] ? [{ name: 'lines', sql: `CAST(d.raw -> 'Line' AS text)` }] : []),
  ]
}

/**
 * A join that gives the party's name at the moment as `p.display_name`, beside rows of the company `realmId`, by default
 * the one bound. LIMIT makes it a lookup of one party per row: without it, Postgres would read all parties of the company
 * first.
 */
export function partyJoin(entity: Entity, moment: Moment, partyId: string, realmId = ':realmId'): string {
  const party = PARTIES[entity]
  if (!party) return ''
  return `LEFT JOIN LATERAL (SELECT n.display_name
                               FROM ${rowsAt(party.entity, moment)} n
                              WHERE n.realm_id = ${realmId} AND n.qbo_id = ${partyId}
                              LIMIT 1) p ON true`
}

function statusColumn(entity: Entity): readonly Column[] {
  if (entity !== 'bill' && entity !== 'invoice') return []
  const voided = entity === 'invoice' ? 'd.voided' : 'false'
  const sql = `document_status(d.deleted_at, ${voided}, d.balance, d.due_date, CAST(:today AS date))`
  return [{ name: 'status', sql }]
}
