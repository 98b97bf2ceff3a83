import type { Knex } from 'knex'

/** Which companies there are, our permission to read them, and what was asked for and done. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE companies (
      realm_id text PRIMARY KEY CHECK (realm_id ~ '^[0-9]{1,32}$'),
      name text,
      status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'paused', 'needs_reauth', 'unavailable', 'disconnected')),
      status_code text,
      status_changed_at timestamptz NOT NULL,
      home_currency text,
      country text,
      time_zone text,
      next_sync_at timestamptz NOT NULL,
      not_before timestamptz,
      not_before_code text,
      requested_seq bigint NOT NULL DEFAULT 0,
      full_requested_seq bigint NOT NULL DEFAULT 0,
      served_seq bigint NOT NULL DEFAULT 0,
      requested_mode text NOT NULL GENERATED ALWAYS AS
        (CASE WHEN full_requested_seq > served_seq THEN 'full' ELSE 'incremental' END) STORED,
      requested_trigger text NOT NULL DEFAULT 'schedule'
        CHECK (requested_trigger IN ('schedule', 'manual', 'webhook', 'backfill', 'reconcile', 'recovery')),
      sync_phase double precision NOT NULL GENERATED ALWAYS AS
        (('x' || substr(md5(realm_id), 1, 8))::bit(32)::bigint / 4294967296.0) STORED,
      failures_in_a_row integer NOT NULL DEFAULT 0,
      failing_since timestamptz,
      failing_code text,
      last_success_at timestamptz,
      created_at timestamptz NOT NULL,
      CHECK (served_seq <= requested_seq),
      CHECK (full_requested_seq <= requested_seq)
    );
    COMMENT ON TABLE companies IS 'One row a QuickBooks company file that was ever registered.';
    COMMENT ON COLUMN companies.realm_id IS 'Intuit''s number of the company: the first part of every key.';
    COMMENT ON COLUMN companies.status_code IS 'Error code that led to the status; null when a person chose it or all is well.';
    COMMENT ON COLUMN companies.time_zone IS 'IANA zone of the company''s own date, where QuickBooks told it.';
    COMMENT ON COLUMN companies.next_sync_at IS 'The next moment of the company''s own rhythm: phase + k x interval.';
    COMMENT ON COLUMN companies.not_before IS 'No run before this moment, after a failure or because QuickBooks asked for it.';
    COMMENT ON COLUMN companies.not_before_code IS 'Why not_before stands: a wait of unavailable may be lifted by a person, one of throttled may not.';
    COMMENT ON COLUMN companies.requested_seq IS 'Number of the latest request to sync; never falls.';
    COMMENT ON COLUMN companies.full_requested_seq IS 'Number of the latest request that asked for a full run.';
    COMMENT ON COLUMN companies.served_seq IS 'Number up to which requests were served by a finished run.';
    COMMENT ON COLUMN companies.requested_mode IS 'Mode that serves every open request: full wins.';
    COMMENT ON COLUMN companies.sync_phase IS 'Place of the company within an interval, 0 to 1, from a hash of the realm id: spreads companies.';
    COMMENT ON COLUMN companies.failing_since IS 'When the failures that now stand in a row began.';
    COMMENT ON COLUMN companies.created_at IS 'Registration: lag counts from here until the first finished run.';
    CREATE INDEX companies_due ON companies (next_sync_at) WHERE status IN ('active', 'unavailable');
    CREATE INDEX companies_asked ON companies (realm_id) WHERE requested_seq > served_seq;

    CREATE TABLE connections (
      realm_id text PRIMARY KEY REFERENCES companies,
      environment text NOT NULL CHECK (environment IN ('sandbox', 'production', 'simulator')),
      access_token_ciphertext text,
      access_token_expires_at timestamptz,
      refresh_token_ciphertext text,
      refresh_token_expires_at timestamptz,
      updated_at timestamptz NOT NULL
    );
    COMMENT ON TABLE connections IS 'Our permission to read a company. Tokens are AES-256-GCM: v1:keyId:iv:tag:ciphertext, bound to the realm id.';
    COMMENT ON COLUMN connections.environment IS 'Which Intuit issued the tokens: a connection of another environment is never called.';

    CREATE TABLE sync_states (
      realm_id text NOT NULL REFERENCES companies,
      entity text NOT NULL CHECK (entity IN ('vendor', 'customer', 'balance', 'bill', 'invoice')),
      watermark timestamptz,
      last_synced_at timestamptz,
      listing jsonb,
      mapping_version integer NOT NULL DEFAULT 0,
      PRIMARY KEY (realm_id, entity)
    );
    COMMENT ON TABLE sync_states IS 'How far each entity of each company is complete.';
    COMMENT ON COLUMN sync_states.watermark IS 'QuickBooks'' time up to which the mirror is complete; moves only when a run finishes, never from our clock.';
    COMMENT ON COLUMN sync_states.last_synced_at IS 'Our time at which the entity was last confirmed complete.';
    COMMENT ON COLUMN sync_states.listing IS 'A listing under way: where it began, how far it came, so that a crash does not start it over.';
    COMMENT ON COLUMN sync_states.mapping_version IS 'Mapping by which every stored row of the entity was made; an older one is mapped again.';

    CREATE TABLE sync_runs (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      realm_id text NOT NULL REFERENCES companies,
      trigger text NOT NULL
        CHECK (trigger IN ('schedule', 'manual', 'webhook', 'backfill', 'reconcile', 'recovery')),
      mode text NOT NULL CHECK (mode IN ('incremental', 'full')),
      status text NOT NULL CHECK (status IN ('running', 'succeeded', 'partial', 'failed', 'abandoned')),
      started_at timestamptz NOT NULL,
      finished_at timestamptz,
      heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      served_request bigint NOT NULL,
      requests integer NOT NULL DEFAULT 0,
      metered_calls integer NOT NULL DEFAULT 0,
      changed boolean NOT NULL DEFAULT false,
      entities jsonb NOT NULL DEFAULT '{}',
      error_code text,
      error_message text,
      intuit_tid text,
      CHECK ((status = 'running') = (finished_at IS NULL))
    );
    COMMENT ON TABLE sync_runs IS 'One attempt for one company, all its entities. The running row is the lease.';
    COMMENT ON COLUMN sync_runs.heartbeat_at IS 'Postgres'' own clock: a lease without a heartbeat for 30 seconds has lapsed.';
    COMMENT ON COLUMN sync_runs.served_request IS 'companies.requested_seq as it was before the first fetch.';
    COMMENT ON COLUMN sync_runs.changed IS 'Wrote at least one record, so versions may name the run and it is kept for good.';
    CREATE UNIQUE INDEX sync_runs_one_running ON sync_runs (realm_id) WHERE status = 'running';
    CREATE INDEX sync_runs_newest ON sync_runs (realm_id, started_at DESC);
    CREATE INDEX sync_runs_by_ending ON sync_runs (status, id DESC) WHERE status <> 'succeeded';
    CREATE INDEX sync_runs_unchanged ON sync_runs (started_at) WHERE NOT changed AND status <> 'running';

    CREATE TABLE sync_rejects (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      realm_id text NOT NULL REFERENCES companies,
      entity text NOT NULL CHECK (entity IN ('vendor', 'customer', 'balance', 'bill', 'invoice')),
      qbo_id text,
      position text,
      payload text NOT NULL,
      code text NOT NULL,
      reason text NOT NULL,
      intuit_tid text,
      sync_run_id bigint NOT NULL,
      first_seen_at timestamptz NOT NULL,
      last_seen_at timestamptz NOT NULL,
      attempts integer NOT NULL DEFAULT 1,
      retry_at timestamptz NOT NULL,
      resolved_at timestamptz,
      CHECK (qbo_id IS NOT NULL OR position IS NOT NULL)
    );
    COMMENT ON TABLE sync_rejects IS 'Records that could not be mapped, served or stored, each with its payload and the reason.';
    COMMENT ON COLUMN sync_rejects.payload IS 'JSON text as QuickBooks sent it; text because jsonb refuses what may be wrong with it.';
    COMMENT ON COLUMN sync_rejects.position IS 'Place in its listing, where the id could not be read.';
    COMMENT ON COLUMN sync_rejects.resolved_at IS 'When a later reading mapped, or QuickBooks no longer had the record.';
    CREATE UNIQUE INDEX sync_rejects_open ON sync_rejects
      (realm_id, entity, (coalesce(qbo_id, '')), (coalesce(position, ''))) WHERE resolved_at IS NULL;

    CREATE TABLE tombstones (
      realm_id text NOT NULL REFERENCES companies,
      entity text NOT NULL CHECK (entity IN ('vendor', 'customer', 'balance', 'bill', 'invoice')),
      qbo_id text NOT NULL,
      source_updated_at timestamptz NOT NULL,
      observed_at timestamptz NOT NULL,
      deleted_at timestamptz NOT NULL,
      sync_run_id bigint NOT NULL,
      PRIMARY KEY (realm_id, entity, qbo_id)
    );
    COMMENT ON TABLE tombstones IS 'Deletes of records that the mirror never saw, so that a late copy does not bring them to life.';

    CREATE TABLE quickbooks_calls (
      realm_id text NOT NULL REFERENCES companies,
      day date NOT NULL,
      operation text NOT NULL,
      status text NOT NULL,
      calls bigint NOT NULL,
      metered_calls bigint NOT NULL,
      PRIMARY KEY (realm_id, day, operation, status)
    );
    COMMENT ON TABLE quickbooks_calls IS 'Every call to Intuit by company, UTC day, kind and HTTP status; Intuit bills the metered ones.';

    CREATE TABLE metric_totals (
      metric text NOT NULL,
      labels jsonb NOT NULL,
      total double precision NOT NULL,
      PRIMARY KEY (metric, labels)
    );
    COMMENT ON TABLE metric_totals IS 'Counters and histogram buckets as totals, raised in the transaction that finishes a run, so that no restart resets them.';

    CREATE TABLE service_state (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      last_tick_at timestamptz,
      calls_paused_until timestamptz,
      calls_paused_code text,
      calls_paused_reason text,
      throttled_companies text[] NOT NULL DEFAULT '{}'
    );
    COMMENT ON TABLE service_state IS 'What holds for the service as a whole; one row.';
    COMMENT ON COLUMN service_state.calls_paused_until IS 'No call to QuickBooks for any company before this moment.';
    COMMENT ON COLUMN service_state.throttled_companies IS 'Companies throttled since the last finished run of any company.';
    INSERT INTO service_state DEFAULT VALUES;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE service_state, metric_totals, quickbooks_calls, tombstones, sync_rejects, sync_runs, sync_states,
      connections, companies;
  `)
}
