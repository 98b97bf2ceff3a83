import type { Knex } from 'knex'

/**
 * Since when all calls are stopped. A pause that lapses only says that one company may try: the stop lasts until a try
 * succeeds, and begins and ends once, however many tries that takes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE service_state ADD COLUMN stopped_since timestamptz;
    COMMENT ON COLUMN service_state.stopped_since IS 'Since when all calls are stopped for the reason in calls_paused_code; null while they are not. Once calls_paused_until is over, one run of one company may try.';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE service_state DROP COLUMN stopped_since')
}
