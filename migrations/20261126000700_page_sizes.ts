import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE sync_states ADD COLUMN page_rows integer CHECK (page_rows BETWEEN 1 AND 1000);
    COMMENT ON COLUMN sync_states.page_rows IS 'How many rows the next page of a listing asks for, once a page was too heavy or came too late; NULL: as many as QuickBooks serves.';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE sync_states DROP COLUMN page_rows')
}
