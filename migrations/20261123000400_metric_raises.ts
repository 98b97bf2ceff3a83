import type { Knex } from 'knex'

/**
 * Totals that no run waits for: a run adds rows of its own to `metric_raises`, and the tick adds those up in
 * `metric_totals`. Code that raises `metric_totals` itself goes on working beside it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE metric_raises (
      metric text NOT NULL,
      labels jsonb NOT NULL,
      amount double precision NOT NULL
    );
    COMMENT ON TABLE metric_raises IS 'What ended runs added to the totals since the tick last moved it to metric_totals. Only inserted to and deleted from: no run waits for another one here.';
    COMMENT ON COLUMN metric_raises.amount IS 'In whole 1024ths: such amounts add up to the same double in whatever order.';
    -- Without a key, a server that publishes all its tables would refuse to delete from this one.
    ALTER TABLE metric_raises REPLICA IDENTITY FULL;

    COMMENT ON TABLE metric_totals IS 'Counters and histogram buckets as totals, so that no restart resets them. Behind by what metric_raises holds, a minute as a rule: metric_totals_now() is not.';

    CREATE FUNCTION metric_totals_now() RETURNS TABLE (metric text, labels jsonb, total double precision)
    LANGUAGE sql STABLE AS $$
      SELECT t.metric, t.labels, sum(t.total)
        FROM (SELECT metric, labels, total FROM metric_totals
              UNION ALL
              SELECT metric, labels, amount FROM metric_raises) t
       GROUP BY t.metric, t.labels
    $$;
    COMMENT ON FUNCTION metric_totals_now IS 'Every total as it stands, with what no tick has moved to metric_totals yet: what /metrics tells.';
  `)
  // Raises first: those of a fold under way are in metric_totals once that statement has waited for it.
  await knex.raw(
    purgeCompany(`
      DELETE FROM metric_raises t WHERE t.labels ->> 'realm_id' = the_realm_id;
      DELETE FROM metric_totals t WHERE t.labels ->> 'realm_id' = the_realm_id;`),
  )
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    purgeCompany(`
      DELETE FROM metric_totals t WHERE t.labels ->> 'realm_id' = the_realm_id;`),
  )
  await knex.raw(`
    -- Whoever still raises ends first, so that nothing raised is lost.
    LOCK TABLE metric_raises IN ACCESS EXCLUSIVE MODE;
    INSERT INTO metric_totals AS t (metric, labels, total)
      SELECT metric, labels, sum(amount) FROM metric_raises GROUP BY metric, labels ORDER BY metric, labels
      ON CONFLICT (metric, labels) DO UPDATE SET total = t.total + excluded.total;
    DROP FUNCTION metric_totals_now;
    DROP TABLE metric_raises;
    COMMENT ON TABLE metric_totals IS 'Counters and histogram buckets as totals, raised in the transaction that finishes a run, so that no restart resets them.';
  `)
}

function purgeCompany(removeTotals: string): string {
  return `
    CREATE OR REPLACE FUNCTION purge_company(the_realm_id text, the_reason text) RETURNS void LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
      kept name;
    BEGIN
      DELETE FROM sync_runs t WHERE t.realm_id = the_realm_id;
      INSERT INTO purges (realm_id, reason) VALUES (the_realm_id, the_reason);
      FOR kept IN SELECT t.table_name FROM history_tables t LOOP
        EXECUTE format('DELETE FROM %I WHERE realm_id = $1', kept) USING the_realm_id;
        EXECUTE format('DELETE FROM %I WHERE realm_id = $1', kept || '_history') USING the_realm_id;
      END LOOP;
      DELETE FROM sync_rejects t WHERE t.realm_id = the_realm_id;
      DELETE FROM tombstones t WHERE t.realm_id = the_realm_id;
      DELETE FROM sync_states t WHERE t.realm_id = the_realm_id;
      DELETE FROM quickbooks_calls t WHERE t.realm_id = the_realm_id;
      DELETE FROM connections t WHERE t.realm_id = the_realm_id;
      DELETE FROM companies t WHERE t.realm_id = the_realm_id;
      ${removeTotals.trim()}
    END
    $$;
  `
}
