import type { Knex } from 'knex'
import { rowsOf } from '../src/db/database.ts'

/**
 * Vacuums until every page of the documents is known as visible to all: only then is an index read without its table. A
 * vacuum leaves out what any session of the moment might still see otherwise.
 */
export async function vacuumAll(knex: Knex): Promise<void> {
  do await knex.raw('VACUUM ANALYZE')
  while (await hasUnsettledPages(knex))
}

async function hasUnsettledPages(knex: Knex): Promise<boolean> {
  const tables = await rowsOf(
    knex,
    `SELECT relname
       FROM pg_class
      WHERE oid IN (CAST('bills' AS regclass), CAST('bills_history' AS regclass),
                    CAST('invoices' AS regclass), CAST('invoices_history' AS regclass))
        AND relallvisible < relpages`,
  )
  return tables.length > 0
}
