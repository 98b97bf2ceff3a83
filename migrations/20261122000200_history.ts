import type { Knex } from 'knex'

/**
 * The rules of history, as functions of the database: `keep_history('bills')` gives a table its history table, its
 * triggers and its views. ENABLE ALWAYS makes the guards hold in replication mode too; the fixed search path keeps a
 * session's own table of the same name from taking what is meant for ours.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE history_tables (table_name name PRIMARY KEY);
    COMMENT ON TABLE history_tables IS 'The tables whose every version is kept. Filled by keep_history.';

    CREATE TABLE purges (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      realm_id text NOT NULL,
      reason text NOT NULL CHECK (length(reason) >= 10),
      purged_by text NOT NULL,
      purged_at timestamptz NOT NULL,
      tx_id xid8 NOT NULL
    );
    COMMENT ON TABLE purges IS 'Whole companies whose mirror was removed on purpose, and why. Written by purge_company alone; never changed.';

    COMMENT ON COLUMN purges.tx_id IS 'The guards are open for the company within this transaction.';

    CREATE FUNCTION begin_purge() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
      PERFORM FROM companies c WHERE c.realm_id = NEW.realm_id AND c.status = 'disconnected' FOR UPDATE;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'company % is not disconnected: disconnect it before purging it', NEW.realm_id;
      END IF;
      NEW.purged_by := session_user;
      NEW.purged_at := clock_timestamp();
      NEW.tx_id := pg_current_xact_id();
      RETURN NEW;
    END
    $$;

    CREATE FUNCTION is_being_purged(the_realm_id text) RETURNS boolean LANGUAGE sql STABLE AS $$
      SELECT EXISTS (
        SELECT FROM purges p WHERE p.realm_id = the_realm_id AND p.tx_id = pg_current_xact_id_if_assigned()
      )
    $$;

    COMMENT ON FUNCTION is_being_purged IS 'Whether a purge of the company was recorded in this transaction.';

    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% on % is refused: what the mirror ever held stays readable', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'To remove a whole company use: SELECT purge_company(realm_id, reason)';
    END
    $$;

    CREATE FUNCTION refuse_delete_unless_purged() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
      IF is_being_purged(OLD.realm_id) THEN
        RETURN OLD;
      END IF;
      RAISE EXCEPTION 'DELETE on % is refused: what the mirror ever held stays readable', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'To remove a whole company use: SELECT purge_company(realm_id, reason)';
    END
    $$;

    -- Depth 1 is a statement of a client; the trigger of the current table inserts at depth 2.
    CREATE FUNCTION refuse_direct_insert() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'INSERT into % is refused: only its trigger writes history', TG_TABLE_NAME
          USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN NEW;
    END
    $$;

    CREATE FUNCTION begin_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.valid_from := clock_timestamp();
      NEW.tx_id := pg_current_xact_id();
      RETURN NEW;
    END
    $$;

    -- Columns that say how we came to know a record, not what it says: a change of these alone makes no version.
    CREATE FUNCTION history_bookkeeping_columns() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
      SELECT ARRAY['sync_token', 'source_updated_at', 'observed_at', 'last_synced_at', 'sync_run_id',
                   'content_hash', 'mapping_version']
    $$;

    COMMENT ON FUNCTION history_bookkeeping_columns IS 'Columns that make no version when they alone change.';

    CREATE FUNCTION keep_history(the_table name) RETURNS void LANGUAGE plpgsql AS $function$
    DECLARE
      history_table name := the_table || '_history';
      all_columns text;
      old_values text;
      old_content text;
      new_content text;
      new_column text;
    BEGIN
      SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
             string_agg('OLD.' || quote_ident(a.attname), ', ' ORDER BY a.attnum)
        INTO all_columns, old_values
        FROM pg_attribute a
       WHERE a.attrelid = the_table::regclass AND a.attnum > 0 AND NOT a.attisdropped;
      SELECT string_agg('OLD.' || quote_ident(a.attname), ', ' ORDER BY a.attnum),
             string_agg('NEW.' || quote_ident(a.attname), ', ' ORDER BY a.attnum)
        INTO old_content, new_content
        FROM pg_attribute a
       WHERE a.attrelid = the_table::regclass AND a.attnum > 0 AND NOT a.attisdropped
         -- A generated column follows from the others, and has no value yet when a BEFORE trigger looks.
         AND a.attgenerated = ''
         AND a.attname <> ALL (history_bookkeeping_columns() || ARRAY['valid_from', 'tx_id']);

      INSERT INTO history_tables (table_name) VALUES (the_table) ON CONFLICT DO NOTHING;
      EXECUTE format('CREATE TABLE IF NOT EXISTS %I (LIKE %I)', history_table, the_table);
      EXECUTE format('ALTER TABLE %I ADD COLUMN IF NOT EXISTS valid_to timestamptz NOT NULL', history_table);
      FOR new_column IN
        SELECT quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
          FROM pg_attribute a
         WHERE a.attrelid = the_table::regclass AND a.attnum > 0 AND NOT a.attisdropped
           AND NOT EXISTS (SELECT FROM pg_attribute h
                            WHERE h.attrelid = history_table::regclass AND h.attname = a.attname)
      LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN %s', history_table, new_column);
      END LOOP;
      EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON %I (realm_id, qbo_id, valid_from)',
                     history_table || '_period', history_table);
      EXECUTE format('COMMENT ON TABLE %I IS %L', history_table,
                     'Superseded versions of ' || the_table || ', each true in [valid_from, valid_to). Written by its trigger alone.');

      -- A clock that stepped back must not end a period before it began, nor let two periods overlap.
      EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, public, pg_temp AS $body$
        BEGIN
          IF (NEW.realm_id, NEW.qbo_id) IS DISTINCT FROM (OLD.realm_id, OLD.qbo_id) THEN
            RAISE EXCEPTION 'the key of a record in %% cannot change', TG_TABLE_NAME
              USING ERRCODE = 'insufficient_privilege';
          END IF;
          IF ROW(%s) IS NOT DISTINCT FROM ROW(%s) THEN
            NEW.valid_from := OLD.valid_from;
            NEW.tx_id := OLD.tx_id;
            RETURN NEW;
          END IF;
          NEW.valid_from := greatest(clock_timestamp(), OLD.valid_from + interval '1 microsecond');
          NEW.tx_id := pg_current_xact_id();
          INSERT INTO %I (%s, valid_to) VALUES (%s, NEW.valid_from);
          RETURN NEW;
        END
        $body$ $sql$, the_table || '_end_version', old_content, new_content, history_table, all_columns, old_values);

      EXECUTE format('CREATE OR REPLACE TRIGGER begin_version BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION begin_version()', the_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER end_version BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION %I()', the_table, the_table || '_end_version');
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_delete_unless_purged()', the_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', the_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION refuse_direct_insert()', history_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_update BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', history_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_delete_unless_purged()', history_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', history_table);
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER begin_version, ENABLE ALWAYS TRIGGER end_version, ENABLE ALWAYS TRIGGER guard_delete, ENABLE ALWAYS TRIGGER guard_truncate', the_table);
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER guard_insert, ENABLE ALWAYS TRIGGER guard_update, ENABLE ALWAYS TRIGGER guard_delete, ENABLE ALWAYS TRIGGER guard_truncate', history_table);

      EXECUTE format('DROP VIEW IF EXISTS %I', the_table || '_versions');
      EXECUTE format('CREATE VIEW %I AS SELECT %s, valid_to FROM %I UNION ALL SELECT %s, NULL::timestamptz FROM %I',
                     the_table || '_versions', all_columns, history_table, all_columns, the_table);
      EXECUTE format('COMMENT ON VIEW %I IS %L', the_table || '_versions',
                     'Every version of ' || the_table || ': history and current together; valid_to is null on the current one.');
    END
    $function$;
    COMMENT ON FUNCTION keep_history IS 'Gives a mirrored table its history: table, triggers, guards, view. Call it again after adding a column.';

    -- The runs go first: a run under way writes under the fence of its row, and writes no more once that is gone.
    CREATE FUNCTION purge_company(the_realm_id text, the_reason text) RETURNS void LANGUAGE plpgsql
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
      DELETE FROM metric_totals t WHERE t.labels ->> 'realm_id' = the_realm_id;
    END
    $$;
    COMMENT ON FUNCTION purge_company IS 'The one way to remove what the mirror held: a whole disconnected company, with a reason that is kept for good.';

    -- Checked at commit: a row in purges opens the guards, so it must not serve to remove a part of a company.
    CREATE FUNCTION require_whole_purge() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
      kept name;
      left_over boolean;
    BEGIN
      FOR kept IN SELECT t.table_name FROM history_tables t LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE realm_id = $1) OR EXISTS (SELECT FROM %I WHERE realm_id = $1)',
                       kept, kept || '_history') INTO left_over USING NEW.realm_id;
        IF left_over THEN
          RAISE EXCEPTION 'a purge removes a whole company: % still holds records of %', kept, NEW.realm_id
            USING ERRCODE = 'insufficient_privilege';
        END IF;
      END LOOP;
      RETURN NULL;
    END
    $$;
    CREATE CONSTRAINT TRIGGER whole_company AFTER INSERT ON purges DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION require_whole_purge();

    CREATE TRIGGER begin_purge BEFORE INSERT ON purges FOR EACH ROW EXECUTE FUNCTION begin_purge();
    -- Which tables a purge must empty is no more to be changed than what they hold.
    CREATE TRIGGER guard_update BEFORE UPDATE ON history_tables FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER guard_delete BEFORE DELETE ON history_tables FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON history_tables FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ALTER TABLE history_tables ENABLE ALWAYS TRIGGER guard_update, ENABLE ALWAYS TRIGGER guard_delete,
      ENABLE ALWAYS TRIGGER guard_truncate;

    CREATE TRIGGER guard_update BEFORE UPDATE ON purges FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER guard_delete BEFORE DELETE ON purges FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON purges FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ALTER TABLE purges ENABLE ALWAYS TRIGGER begin_purge, ENABLE ALWAYS TRIGGER whole_company, ENABLE ALWAYS TRIGGER guard_update, ENABLE ALWAYS TRIGGER guard_delete,
      ENABLE ALWAYS TRIGGER guard_truncate;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP FUNCTION keep_history, purge_company, history_bookkeeping_columns, begin_version, refuse_direct_insert,
      refuse_delete_unless_purged, is_being_purged;
    DROP TABLE purges, history_tables;
    DROP FUNCTION begin_purge, require_whole_purge, refuse_change;
  `)
}
