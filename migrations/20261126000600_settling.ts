import type { Knex } from 'knex'

/**
 * How a run settles what it could not take: a single stuck entity, records whose disappearance is in doubt, rejects
 * that know the moment they describe; and what happened to a company, and who did it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE sync_rejects
      ADD COLUMN source_updated_at timestamptz,
      ADD COLUMN observed_at timestamptz;
    COMMENT ON COLUMN sync_rejects.source_updated_at IS 'LastUpdatedTime of the rejected payload, if readable: an older copy of the record does not close the reject.';
    COMMENT ON COLUMN sync_rejects.observed_at IS 'The time in the answer that brought the payload; null for a payload that was stored here.';

    ALTER TABLE sync_states
      ADD COLUMN captured_until timestamptz,
      ADD COLUMN error_code text,
      ADD COLUMN error_message text,
      ADD COLUMN error_intuit_tid text,
      ADD COLUMN error_since timestamptz,
      ADD COLUMN error_failures integer NOT NULL DEFAULT 0,
      ADD COLUMN not_before timestamptz,
      ADD COLUMN owes text CHECK (owes IN ('capture', 'listing'));
    COMMENT ON COLUMN sync_states.captured_until IS 'QuickBooks'' time up to which changes were taken while the watermark does not move; null if that is the watermark.';
    COMMENT ON COLUMN sync_states.error_code IS 'Why the watermark of this entity does not move; null when it does.';
    COMMENT ON COLUMN sync_states.error_since IS 'When the current consecutive failures began.';
    COMMENT ON COLUMN sync_states.error_failures IS 'Consecutive failed attempts without any progress.';
    COMMENT ON COLUMN sync_states.not_before IS 'No further attempt at what the entity owes before this moment, unless a person asks.';
    COMMENT ON COLUMN sync_states.owes IS 'What has to succeed before the watermark moves again: a complete listing, or change data capture of this entity alone, which is left out of the common call until then.';

    ALTER TABLE companies
      ADD COLUMN last_served_at timestamptz,
      ADD COLUMN person_requested_seq bigint NOT NULL DEFAULT 0;
    COMMENT ON COLUMN companies.person_requested_seq IS 'Number of the latest request that a person made: it also ends waits of single entities.';
    COMMENT ON COLUMN companies.last_success_at IS 'When a run last took everything.';
    COMMENT ON COLUMN companies.last_served_at IS 'When a run that QuickBooks answered last ended, even if it did not take everything.';

    CREATE TABLE disappearances (
      realm_id text NOT NULL REFERENCES companies,
      entity text NOT NULL CHECK (entity IN ('vendor', 'customer', 'balance', 'bill', 'invoice')),
      missing integer NOT NULL,
      held integer NOT NULL,
      since timestamptz NOT NULL,
      sync_run_id bigint NOT NULL,
      confirmed_at timestamptz,
      PRIMARY KEY (realm_id, entity)
    );
    COMMENT ON TABLE disappearances IS 'Records that seem to have vanished at once, more than half of an entity: nothing is deleted until a person confirms it or a later look finds them. The row exists as long as the doubt.';
    COMMENT ON COLUMN disappearances.missing IS 'How many of held the latest look did not find.';
    COMMENT ON COLUMN disappearances.since IS 'When the first look found them missing.';
    COMMENT ON COLUMN disappearances.sync_run_id IS 'The run of the latest look.';
    COMMENT ON COLUMN disappearances.confirmed_at IS 'When a person confirmed that they are gone: the next listing may, once, delete that many and a few more.';

    CREATE TABLE company_events (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz NOT NULL,
      realm_id text,
      kind text NOT NULL CHECK (kind IN ('registered', 'connected', 'tokens_replaced', 'paused', 'resumed',
        'disconnected', 'reconnect_needed', 'settings_changed', 'full_sync_requested', 'disappearance_confirmed',
        'service_stopped', 'service_resumed', 'purged')),
      actor text NOT NULL,
      detail jsonb NOT NULL DEFAULT '{}',
      request_id text,
      CHECK (realm_id IS NOT NULL OR kind IN ('service_stopped', 'service_resumed'))
    );
    COMMENT ON TABLE company_events IS 'What happened to companies and who did it. Kept for ever, also after a purge of the company: never changed, only added to.';
    COMMENT ON COLUMN company_events.realm_id IS 'Null if it concerns the service as a whole.';
    COMMENT ON COLUMN company_events.actor IS 'Who did it: the role of a token, a database role, or the service itself.';
    COMMENT ON COLUMN company_events.request_id IS 'Id of the HTTP request that caused it, as answered and logged; null if none did.';
    CREATE INDEX company_events_newest ON company_events (realm_id, id DESC);
    CREATE TRIGGER guard_update BEFORE UPDATE ON company_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER guard_delete BEFORE DELETE ON company_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON company_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ALTER TABLE company_events ENABLE ALWAYS TRIGGER guard_update, ENABLE ALWAYS TRIGGER guard_delete,
      ENABLE ALWAYS TRIGGER guard_truncate;
  `)
  await knex.raw(
    purgeCompany({
      removeRest: 'DELETE FROM disappearances t WHERE t.realm_id = the_realm_id;',
      record: `INSERT INTO company_events (at, realm_id, kind, actor, detail)
        VALUES (clock_timestamp(), the_realm_id, 'purged', session_user, jsonb_build_object('reason', the_reason));`,
    }),
  )
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(purgeCompany({ removeRest: '', record: '' }))
  await knex.raw(`
    DROP TABLE company_events, disappearances;
    ALTER TABLE companies DROP COLUMN last_served_at, DROP COLUMN person_requested_seq;
    COMMENT ON COLUMN companies.last_success_at IS NULL;
    ALTER TABLE sync_states
      DROP COLUMN captured_until,
      DROP COLUMN error_code,
      DROP COLUMN error_message,
      DROP COLUMN error_intuit_tid,
      DROP COLUMN error_since,
      DROP COLUMN error_failures,
      DROP COLUMN not_before,
      DROP COLUMN owes;
    ALTER TABLE sync_rejects
      DROP COLUMN source_updated_at,
      DROP COLUMN observed_at;
  `)
}

function purgeCompany({ removeRest, record }: { removeRest: string; record: string }): string {
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
      ${removeRest}
      DELETE FROM sync_states t WHERE t.realm_id = the_realm_id;
      DELETE FROM quickbooks_calls t WHERE t.realm_id = the_realm_id;
      DELETE FROM connections t WHERE t.realm_id = the_realm_id;
      DELETE FROM companies t WHERE t.realm_id = the_realm_id;
      DELETE FROM metric_raises t WHERE t.labels ->> 'realm_id' = the_realm_id;
      DELETE FROM metric_totals t WHERE t.labels ->> 'realm_id' = the_realm_id;
      ${record}
    END
    $$;
  `
}
