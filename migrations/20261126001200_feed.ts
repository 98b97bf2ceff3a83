import type { Knex } from 'knex'

const MIRRORED_TABLES = ['vendors', 'customers', 'balances', 'bills', 'invoices']

/**
 * Indexes for the feed of changes. A version is in the table or, once superseded, in its history, with the transaction
 * that wrote it: both are indexed by that, for one company and for all.
 */
export async function up(knex: Knex): Promise<void> {
  for (const table of MIRRORED_TABLES) {
    for (const held of [table, `${table}_history`]) {
      await knex.raw(`
        CREATE INDEX ${held}_feed ON ${held} (tx_id);
        CREATE INDEX ${held}_company_feed ON ${held} (realm_id, tx_id);
      `)
    }
  }
  await knex.raw(`
    CREATE TABLE feed_epochs (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      mark uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
      cluster text NOT NULL,
      began_at timestamptz NOT NULL
    );
    COMMENT ON TABLE feed_epochs IS 'Since when transaction numbers are those of this cluster: a restored database continues with different ones. The newest row counts.';
    COMMENT ON COLUMN feed_epochs.mark IS 'Carried by every cursor of the feed: a cursor with another mark is refused.';
    COMMENT ON COLUMN feed_epochs.cluster IS 'feed_cluster() as it was then.';
    COMMENT ON COLUMN feed_epochs.began_at IS 'Versions from before are read first, by the numbers of the cluster that wrote them.';

    -- A dump is restored into another cluster; a standby that takes over, or a restore to a moment, starts a timeline.
    CREATE FUNCTION feed_cluster() RETURNS text LANGUAGE sql STABLE AS $$
      SELECT format('%s/%s', c.system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8))
        FROM pg_control_system() c
    $$;
    COMMENT ON FUNCTION feed_cluster IS 'Which cluster gives the transaction numbers, and in which of its timelines.';

    INSERT INTO feed_epochs (cluster, began_at) VALUES (feed_cluster(), '-infinity');
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP FUNCTION feed_cluster; DROP TABLE feed_epochs;')
  for (const table of MIRRORED_TABLES) {
    for (const held of [table, `${table}_history`]) {
      await knex.raw(`DROP INDEX ${held}_feed, ${held}_company_feed`)
    }
  }
}
