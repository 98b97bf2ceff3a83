import type { Knex } from 'knex'

/**
 * Since when all calls are stopped. A pause that lapses only says that one company may try: the stop lasts until a try
 * succeeds, and begins and ends once, however many tries that takes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE service_state
      ADD COLUMN stopped_since timestamptz,
      ADD COLUMN throttled_since timestamptz,
      ADD COLUMN tokens_throttled boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN service_state.stopped_since IS 'Since when all calls are stopped for the reason in calls_paused_code; null while they are not. Once calls_paused_until is over, one run of one company may try.';
    COMMENT ON COLUMN service_state.throttled_since IS 'Since when companies are throttled with none read in between; means nothing while throttled_companies is empty.';
    COMMENT ON COLUMN service_state.tokens_throttled IS 'Whether in that time a renewal of tokens was throttled too, which Intuit does not meter.';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    'ALTER TABLE service_state DROP COLUMN stopped_since, DROP COLUMN throttled_since, DROP COLUMN tokens_throttled',
  )
}
