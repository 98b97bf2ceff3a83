import { rowsOfPrepared, type Tx } from '../db/database.ts'
import type { Version } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'

/** Copies that QuickBooks makes when the record is read: they follow a rename of the party, no change of the record. */
const COPIED: readonly string[] = ['vendorName', 'customerName']

/** The value of a field that one way of reading leaves out and another spells out. */
const WHEN_LEFT_OUT: Readonly<Record<string, string>> = { email_status: `'NotSet'`, exchange_rate: '1' }

/**
 * Which records agree with a reading in every column. Postgres compares by the columns' types, so that 250 equals
 * 250.00.
 */
export async function findSameColumns(
  tx: Tx,
  realmId: string,
  entity: Entity,
  versions: readonly Version[],
): Promise<ReadonlySet<string>> {
  if (versions.length === 0) return new Set()
  const { table, content, types } = MIRRORED_TABLES[entity]
  const compared = Object.entries<string>(content).filter(([field]) => !COPIED.includes(field))
  const row = (of: string) =>
    compared
      .map(([field, column]) => said(`${of}.${column}`, column, (types as Record<string, string>)[field]!))
      .join(', ')
  const rows = await rowsOfPrepared<{ qboId: string }>(
    tx.trx,
    `SELECT t.qbo_id AS "qboId"
       FROM ${table} t
       JOIN jsonb_populate_recordset(NULL::${table}, CAST(:rows AS jsonb)) AS r ON r.qbo_id = t.qbo_id
      WHERE t.realm_id = :realmId AND t.qbo_id = ANY (:qboIds)
        AND ROW(${row('t')}) IS NOT DISTINCT FROM ROW(${row('r')})`,
    {
      realmId,
      qboIds: versions.map(({ qboId }) => qboId),
      rows: JSON.stringify(versions.map((version) => rowOf(version, compared))),
    },
  )
  return new Set(rows.map(({ qboId }) => qboId))
}

function said(value: string, column: string, type: string): string {
  const given = type === 'text' ? `nullif(${value}, '')` : value
  const otherwise = WHEN_LEFT_OUT[column]
  return otherwise === undefined ? given : `coalesce(${given}, ${otherwise})`
}

function rowOf(version: Version, compared: readonly [string, string][]): Record<string, unknown> {
  const values = version.content as unknown as Record<string, unknown>
  return {
    qbo_id: version.qboId,
    ...Object.fromEntries(compared.map(([field, column]) => [column, values[field]])),
  }
}
