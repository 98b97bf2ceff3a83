import type { Knex } from 'knex'

/** When each company was last listed completely, and when the service last requested that by itself. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE companies
      ADD COLUMN last_reconciled_at timestamptz,
      ADD COLUMN reconcile_asked_at timestamptz,
      ADD COLUMN reconcile_seq bigint NOT NULL DEFAULT 0;
    COMMENT ON COLUMN companies.last_reconciled_at IS 'When, by our clock, the last finished complete listing began: anything it did not find is at most that old. Null: none is known.';
    COMMENT ON COLUMN companies.reconcile_asked_at IS 'When the service last requested a complete listing by itself: a failed one is not requested again the same night.';
    COMMENT ON COLUMN companies.reconcile_seq IS 'Number of that request: while it is the latest request for a full run, nobody else made one.';

    UPDATE companies c
       SET last_reconciled_at = r.started_at
      FROM (SELECT realm_id, max(started_at) AS started_at
              FROM sync_runs
             WHERE mode = 'full' AND status IN ('succeeded', 'partial')
             GROUP BY realm_id) r
     WHERE r.realm_id = c.realm_id;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    'ALTER TABLE companies DROP COLUMN last_reconciled_at, DROP COLUMN reconcile_asked_at, DROP COLUMN reconcile_seq',
  )
}
