import { rowsOfPrepared, type Database } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import type { Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { momentOf, rowsAt, type Moment } from './moment.ts'

export interface HeldPayload {
  /** As QuickBooks sent it, with every digit, indented. */
  readonly text: string
  readonly validFrom: string
  readonly sourceValidFrom: Date
  readonly syncRunId: number
  readonly contentHash: string
  /** When the versions before and after this one began, for those who read one by one; null: there is none. */
  readonly olderFrom: string | null
  readonly newerFrom: string | null
}

/**
 * QuickBooks' own record behind what is shown at a moment, and its place among the versions.
 *
 * @throws LedgerError `not_found`.
 */
export async function readPayload(
  { knex }: Database,
  { realmId, entity, qboId, moment }: { realmId: string; entity: Entity; qboId: string; moment: Moment },
): Promise<HeldPayload> {
  const { table } = MIRRORED_TABLES[entity]
  const [row] = await rowsOfPrepared<HeldPayload>(
    knex,
    `SELECT jsonb_pretty(d.raw) AS text, CAST(d.valid_from AS text) AS "validFrom",
            d.source_valid_from AS "sourceValidFrom", d.sync_run_id AS "syncRunId", d.content_hash AS "contentHash",
            CAST((SELECT max(w.valid_from)
                    FROM ${table}_versions w
                   WHERE w.realm_id = :realmId AND w.qbo_id = :qboId AND w.valid_from < d.valid_from) AS text)
              AS "olderFrom",
            CAST((SELECT min(w.valid_from)
                    FROM ${table}_versions w
                   WHERE w.realm_id = :realmId AND w.qbo_id = :qboId AND w.valid_from > d.valid_from) AS text)
              AS "newerFrom"
       FROM ${rowsAt(entity, moment)} d
      WHERE d.realm_id = :realmId AND d.qbo_id = :qboId`,
    { realmId, qboId, ...moment },
  )
  if (!row) throw new LedgerError('not_found', `company ${realmId} has no ${entity} ${qboId}`)
  return {
    ...row,
    validFrom: momentOf(row.validFrom),
    olderFrom: row.olderFrom && momentOf(row.olderFrom),
    newerFrom: row.newerFrom && momentOf(row.newerFrom),
  }
}
