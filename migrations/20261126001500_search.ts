import type { Knex } from 'knex'

/**
 * What a search over all companies goes by. One index serves number and amount: a number is found by its beginning, an
 * amount by reading the whole index, and of the table only the rows that have it. Columns to answer from the index alone
 * would double its size, and every write would pay for that.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('CREATE INDEX bills_search ON bills (doc_number, total_amount)')
  await knex.raw('CREATE INDEX invoices_search ON invoices (doc_number, total_amount)')
  await knex.raw(
    'CREATE INDEX sync_runs_by_intuit_tid ON sync_runs (intuit_tid) WHERE intuit_tid IS NOT NULL',
  )
  await knex.raw(
    'CREATE INDEX sync_rejects_by_intuit_tid ON sync_rejects (intuit_tid) WHERE intuit_tid IS NOT NULL',
  )
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX sync_rejects_by_intuit_tid')
  await knex.raw('DROP INDEX sync_runs_by_intuit_tid')
  await knex.raw('DROP INDEX invoices_search')
  await knex.raw('DROP INDEX bills_search')
}
