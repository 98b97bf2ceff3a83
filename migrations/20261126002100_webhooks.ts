import type { Knex } from 'knex'

/** When QuickBooks last said that something changed. A column without a default is added without rewriting the table. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE companies ADD COLUMN last_webhook_at timestamptz;
    COMMENT ON COLUMN companies.last_webhook_at IS 'When a webhook of QuickBooks last said that something of the company changed; null if none ever came.';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE companies DROP COLUMN last_webhook_at')
}
