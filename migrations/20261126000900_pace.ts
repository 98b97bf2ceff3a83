import type { Knex } from 'knex'

/** When calls to QuickBooks left, so that no company is called faster than it allows, whichever processes call. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE companies ADD COLUMN recent_calls timestamptz[];
    COMMENT ON COLUMN companies.recent_calls IS 'When the last calls of the company''s latest run left, by Postgres'' own clock: the starting point for the pace of its next run, in whichever process.';

    CREATE TABLE outside_calls (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      company bigint NOT NULL,
      left_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      ended_at timestamptz
    );
    COMMENT ON TABLE outside_calls IS 'Recent calls made outside runs, such as those of a registration, kept for their pace.';
    COMMENT ON COLUMN outside_calls.company IS 'hashtextextended(realm_id, 0): a company that is being registered has no row yet, and one that was purged leaves nothing here.';
    COMMENT ON COLUMN outside_calls.left_at IS 'By Postgres'' own clock, read after the call left.';
    COMMENT ON COLUMN outside_calls.ended_at IS 'Null while it is under way; stays null if its process died.';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE outside_calls;
    ALTER TABLE companies DROP COLUMN recent_calls;
  `)
}
