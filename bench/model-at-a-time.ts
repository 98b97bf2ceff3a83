import { Bill } from '../src/models/bill.ts'
import type { Knex } from 'knex'
import type { Version } from '../src/domain/change.ts'
import { plainRow } from './plain-row.ts'
import type { Way } from './way-to-write.ts'

/** A table of single models, without history. */
class PlainBill extends Bill {
  static override get tableName(): string {
    return 'bills_single'
  }
}

/** What one writes without thinking of it: an upsert through Objection for each record. */
export function modelAtATime(options: { readonly oneTransaction: boolean; readonly rows: number }): Way {
  return {
    name: options.oneTransaction ? 'one model at a time, one transaction' : 'one model at a time',
    table: PlainBill.tableName,
    rows: options.rows,
    async open({ knex, clock }) {
      const writeAll = async (on: Knex, versions: readonly Version[]) => {
        for (const version of versions) {
          const row = plainRow(version, clock.now())
          await PlainBill.query(on)
            .insert(PlainBill.fromDatabaseJson({ ...row, raw: JSON.parse(version.raw) as object }))
            .onConflict(['realm_id', 'qbo_id'])
            .merge()
        }
      }
      return (versions) =>
        options.oneTransaction ? knex.transaction((trx) => writeAll(trx, versions)) : writeAll(knex, versions)
    },
  }
}
