import type { Knex } from 'knex'

/**
 * What a failing run has to know about its company is now in the company's row instead of being looked up among
 * everybody's runs; and the runs since a moment, and the rejects of one company, are found without walking all others.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE companies ADD COLUMN failing_code_since timestamptz;
    COMMENT ON COLUMN companies.failing_code_since IS 'When the current consecutive failures with failing_code began: a failure of another kind starts again.';

    CREATE INDEX sync_runs_started ON sync_runs (started_at);
    CREATE INDEX sync_rejects_of_company ON sync_rejects (realm_id, id);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX sync_rejects_of_company, sync_runs_started;
    ALTER TABLE companies DROP COLUMN failing_code_since;
  `)
}
