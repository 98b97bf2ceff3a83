import type { Knex } from 'knex'

/** When each company was last listed completely, and when that was last asked for by itself. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE companies
      ADD COLUMN last_reconciled_at timestamptz,
      ADD COLUMN reconcile_asked_at timestamptz,
      ADD COLUMN reconcile_seq bigint NOT NULL DEFAULT 0;
    COMMENT ON COLUMN companies.last_reconciled_at IS 'Our time at which the last complete listing began that finished: what it did not find is as old as that. Null: none is known of.';
    COMMENT ON COLUMN companies.reconcile_asked_at IS 'When the service last asked for a complete listing by itself: one that fails is not asked for again the same night.';
    COMMENT ON COLUMN companies.reconcile_seq IS 'Number of that request: while it is the latest that asked for a full run, nobody else did.';

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
