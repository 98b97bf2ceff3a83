import type { Knex } from 'knex'

/**
 * What a failing run has to know of its company stands in the company's own row, where it was looked for in the runs of
 * everybody; what the firm calls a company is kept apart from what QuickBooks does; and the runs since a moment, and
 * the rejects of one company, are found without walking all others.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE companies ADD COLUMN failing_code_since timestamptz, ADD COLUMN given_name text;
    COMMENT ON COLUMN companies.failing_code_since IS 'When the failures in a row that all have failing_code began: a failure of another kind begins anew.';
    COMMENT ON COLUMN companies.name IS 'What the company is called here: given_name, or where that is null what QuickBooks calls it.';
    COMMENT ON COLUMN companies.given_name IS 'What the firm called the company when it registered it; QuickBooks never changes it.';
    -- Runs have overwritten every other name with QuickBooks' own.
    UPDATE companies SET given_name = name WHERE last_success_at IS NULL AND country IS NULL AND time_zone IS NULL;

    CREATE INDEX sync_runs_started ON sync_runs (started_at);
    CREATE INDEX sync_rejects_of_company ON sync_rejects (realm_id, id);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX sync_rejects_of_company, sync_runs_started;
    COMMENT ON COLUMN companies.name IS NULL;
    ALTER TABLE companies DROP COLUMN given_name, DROP COLUMN failing_code_since;
  `)
}
