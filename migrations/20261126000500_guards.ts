import type { Knex } from 'knex'

/**
 * The rules of history again, so that they hold against whatever an owner sends short of changing the schema; and one
 * moment for all that a transaction writes. docs/history.md says what they protect against.
 *
 * Two things make them hold. ONLY: a session may let a temporary table inherit from ours, which would then be read as
 * well. And a check after the fact: the caller of a trigger can be imitated, the content of a guarded table cannot.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(MOMENTS)
  await knex.raw(VERSIONS)
  await knex.raw(PURGES)
  await knex.raw(KEEP_HISTORY)
  await knex.raw(`
    DO $$ BEGIN PERFORM keep_history(t.table_name) FROM history_tables t; END $$;
    DROP FUNCTION refuse_direct_insert;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(OLD_GUARDS)
  await knex.raw(OLD_KEEP_HISTORY)
  await knex.raw(`
    DO $$
    DECLARE
      kept name;
    BEGIN
      FOR kept IN SELECT t.table_name FROM history_tables t LOOP
        EXECUTE format('DROP TRIGGER take_moment ON %I', kept);
        EXECUTE format('DROP TRIGGER keep_ended ON %I', kept);
        EXECUTE format('DROP TRIGGER guard_inserted ON %I', kept);
        EXECUTE format('DROP TRIGGER guard_added ON %I', kept || '_history');
        EXECUTE format('DROP FUNCTION %I, %I', kept || '_keep_ended', kept || '_guard_added');
        EXECUTE format('ALTER TABLE %I DROP COLUMN previous_valid_from', kept);
        PERFORM keep_history(kept);
      END LOOP;
    END
    $$;
    DROP FUNCTION take_moment, own_moment;
    DROP TABLE transaction_moments;
    DROP FUNCTION refuse_insert_without_update, guard_inserted, set_moment, keep_own_moment, note_emptied;
    ALTER TABLE purges DROP COLUMN emptied_at;
    DROP INDEX purges_by_transaction;
  `)
}

const MOMENTS = `
    CREATE UNLOGGED TABLE transaction_moments (
      tx_id xid8 PRIMARY KEY,
      moment timestamptz NOT NULL
    );
    COMMENT ON TABLE transaction_moments IS 'When a transaction first wrote a mirrored record: all its versions begin then. Used only within that transaction; a later one removes the row.';

    -- The transaction has its number before it has its moment: whoever sees no number running has nothing to expect
    -- that begins before now.
    CREATE FUNCTION set_moment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.tx_id := pg_catalog.pg_current_xact_id();
      NEW.moment := pg_catalog.clock_timestamp();
      RETURN NEW;
    END
    $$;

    CREATE FUNCTION keep_own_moment() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
      IF OLD.tx_id = pg_current_xact_id() THEN
        RAISE EXCEPTION '% on % is refused: what one transaction writes begins at one moment', TG_OP, TG_TABLE_NAME
          USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN OLD;
    END
    $$;

    CREATE TRIGGER set_moment BEFORE INSERT ON transaction_moments FOR EACH ROW EXECUTE FUNCTION set_moment();
    CREATE TRIGGER guard_update BEFORE UPDATE ON transaction_moments FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER guard_delete BEFORE DELETE ON transaction_moments FOR EACH ROW EXECUTE FUNCTION keep_own_moment();
    CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON transaction_moments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ALTER TABLE transaction_moments ENABLE ALWAYS TRIGGER set_moment, ENABLE ALWAYS TRIGGER guard_update,
      ENABLE ALWAYS TRIGGER guard_delete, ENABLE ALWAYS TRIGGER guard_truncate;

    CREATE FUNCTION own_moment() RETURNS timestamptz LANGUAGE sql STABLE
    SET search_path = pg_catalog, public, pg_temp AS $$
      SELECT m.moment FROM ONLY public.transaction_moments m WHERE m.tx_id = pg_current_xact_id_if_assigned()
    $$;
    COMMENT ON FUNCTION own_moment IS 'The moment at which everything this transaction writes begins; null before its first write.';

    CREATE FUNCTION take_moment() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
      own timestamptz := own_moment();
    BEGIN
      IF own IS NULL THEN
        -- Now and then, and not at an isolation at which a row that another one removes meanwhile is an error.
        IF pg_current_xact_id()::text::bigint % 64 = 0 AND current_setting('transaction_isolation') = 'read committed' THEN
          DELETE FROM ONLY public.transaction_moments m
           WHERE m.tx_id IN (SELECT t.tx_id FROM ONLY public.transaction_moments t FOR UPDATE SKIP LOCKED);
        END IF;
        INSERT INTO public.transaction_moments DEFAULT VALUES RETURNING moment INTO own;
      END IF;
      PERFORM set_config('ledger_mirror.moment', to_char(own AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), true);
      RETURN NULL;
    END
    $$;
    COMMENT ON FUNCTION take_moment IS 'Hands the moment of the transaction to the row triggers, in a setting. A setting forged by the session is detected when the statement ends.';
`

// A setting, because a look into a table would cost five microseconds a row; without a SET clause, which costs one:
// every name has its schema instead.
const HANDED_MOMENT = `pg_catalog.current_setting('ledger_mirror.moment')::pg_catalog.timestamptz`

const VERSIONS = `
    CREATE OR REPLACE FUNCTION begin_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.valid_from := ${HANDED_MOMENT};
      NEW.previous_valid_from := NULL;
      NEW.tx_id := pg_catalog.pg_current_xact_id();
      RETURN NEW;
    END
    $$;

    CREATE FUNCTION refuse_insert_without_update() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'INSERT into % is refused: only its trigger writes history', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
    END
    $$;
`

const PURGES = `
    ALTER TABLE purges ADD COLUMN emptied_at timestamptz;
    COMMENT ON COLUMN purges.emptied_at IS 'When nothing of the company was left: the guards are closed from then on.';
    COMMENT ON COLUMN purges.tx_id IS 'The guards are open for the company within this transaction, until emptied_at.';
    CREATE INDEX purges_by_transaction ON purges (tx_id);

    CREATE OR REPLACE FUNCTION begin_purge() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
      PERFORM FROM ONLY public.companies c WHERE c.realm_id = NEW.realm_id AND c.status = 'disconnected' FOR UPDATE;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'company % is not disconnected: disconnect it before purging it', NEW.realm_id;
      END IF;
      NEW.purged_by := session_user;
      NEW.purged_at := clock_timestamp();
      NEW.tx_id := pg_current_xact_id();
      NEW.emptied_at := NULL;
      RETURN NEW;
    END
    $$;

    CREATE OR REPLACE FUNCTION is_being_purged(the_realm_id text) RETURNS boolean LANGUAGE sql STABLE AS $$
      SELECT EXISTS (
        SELECT FROM ONLY public.purges p
         WHERE p.realm_id = the_realm_id AND p.tx_id = pg_current_xact_id_if_assigned() AND p.emptied_at IS NULL
      )
    $$;
    COMMENT ON FUNCTION is_being_purged IS 'Whether a purge of the company was recorded in this transaction and is not finished.';

    -- SET CONSTRAINTS moves this check before the commit. That gives nothing: once it has passed, nothing more can be
    -- deleted, and the transaction can insert nothing either.
    CREATE OR REPLACE FUNCTION require_whole_purge() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
      kept name;
      left_over boolean;
    BEGIN
      FOR kept IN SELECT t.table_name FROM ONLY public.history_tables t LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY public.%I WHERE realm_id = $1) OR EXISTS (SELECT FROM ONLY public.%I WHERE realm_id = $1)',
                       kept, kept || '_history') INTO left_over USING NEW.realm_id;
        IF left_over THEN
          RAISE EXCEPTION 'a purge removes a whole company: % still holds records of %', kept, NEW.realm_id
            USING ERRCODE = 'insufficient_privilege';
        END IF;
      END LOOP;
      UPDATE ONLY public.purges p SET emptied_at = clock_timestamp() WHERE p.id = NEW.id AND p.emptied_at IS NULL;
      RETURN NULL;
    END
    $$;

    CREATE FUNCTION note_emptied() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
      IF OLD.emptied_at IS NULL AND NEW.emptied_at IS NOT NULL AND OLD.tx_id = pg_current_xact_id()
         AND (NEW.id, NEW.realm_id, NEW.reason, NEW.purged_by, NEW.purged_at, NEW.tx_id)
             IS NOT DISTINCT FROM (OLD.id, OLD.realm_id, OLD.reason, OLD.purged_by, OLD.purged_at, OLD.tx_id) THEN
        NEW.emptied_at := clock_timestamp();
        RETURN NEW;
      END IF;
      RAISE EXCEPTION '% on % is refused: what was purged and why stays readable', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
    END
    $$;
    CREATE OR REPLACE TRIGGER guard_update BEFORE UPDATE ON purges FOR EACH ROW EXECUTE FUNCTION note_emptied();
    ALTER TABLE purges ENABLE ALWAYS TRIGGER guard_update;

    -- After the statement: a function that it called may have purged while it ran.
    CREATE FUNCTION guard_inserted() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
      IF EXISTS (SELECT FROM ONLY public.purges p WHERE p.tx_id = pg_current_xact_id_if_assigned()) THEN
        RAISE EXCEPTION 'INSERT into % is refused: a transaction that purges a company writes no records', TG_TABLE_NAME
          USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF EXISTS (SELECT FROM inserted i WHERE i.valid_from <> (SELECT own_moment())) THEN
        RAISE EXCEPTION 'INSERT into % is refused: what one transaction writes begins at one moment', TG_TABLE_NAME
          USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN NULL;
    END
    $$;
`

const KEEP_HISTORY = `
    CREATE OR REPLACE FUNCTION keep_history(the_table name) RETURNS void LANGUAGE plpgsql AS $function$
    DECLARE
      history_table name := the_table || '_history';
      all_columns text;
      old_values text;
      old_content text;
      new_content text;
      new_column text;
      view_of_versions text;
    BEGIN
      EXECUTE format('CREATE TABLE IF NOT EXISTS %I (LIKE %I)', history_table, the_table);
      EXECUTE format('ALTER TABLE %I ADD COLUMN IF NOT EXISTS valid_to timestamptz NOT NULL', history_table);
      EXECUTE format('ALTER TABLE %I ADD COLUMN IF NOT EXISTS previous_valid_from timestamptz', the_table);
      EXECUTE format('COMMENT ON COLUMN %I.previous_valid_from IS %L', the_table,
                     'Set by a trigger: since when the version before this one was held. History accepts that version and no other.');

      SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
             string_agg('o.' || quote_ident(a.attname), ', ' ORDER BY a.attnum)
        INTO all_columns, old_values
        FROM pg_attribute a
       WHERE a.attrelid = the_table::regclass AND a.attnum > 0 AND NOT a.attisdropped
         AND a.attname <> 'previous_valid_from';
      SELECT string_agg('OLD.' || quote_ident(a.attname), ', ' ORDER BY a.attnum),
             string_agg('NEW.' || quote_ident(a.attname), ', ' ORDER BY a.attnum)
        INTO old_content, new_content
        FROM pg_attribute a
       WHERE a.attrelid = the_table::regclass AND a.attnum > 0 AND NOT a.attisdropped
         -- A generated column follows from the others, and has no value yet when a BEFORE trigger looks.
         AND a.attgenerated = ''
         AND a.attname <> ALL (history_bookkeeping_columns()
                               || ARRAY['realm_id', 'qbo_id', 'valid_from', 'previous_valid_from', 'tx_id']);

      INSERT INTO history_tables (table_name) VALUES (the_table) ON CONFLICT DO NOTHING;
      FOR new_column IN
        SELECT quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
          FROM pg_attribute a
         WHERE a.attrelid = the_table::regclass AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attname <> 'previous_valid_from'
           AND NOT EXISTS (SELECT FROM pg_attribute h
                            WHERE h.attrelid = history_table::regclass AND h.attname = a.attname)
      LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN %s', history_table, new_column);
      END LOOP;
      EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON %I (realm_id, qbo_id, valid_from)',
                     history_table || '_period', history_table);
      EXECUTE format('COMMENT ON TABLE %I IS %L', history_table,
                     'Superseded versions of ' || the_table || ', each true in [valid_from, valid_to). Written by its trigger alone.');

      -- A clock that stepped back must not end a period before it began, nor let two periods overlap. What a
      -- transaction replaces of its own was never to be seen, and is no version. record_eq compares as each type does,
      -- whatever operators the session has put in its search path.
      EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql AS $body$
        DECLARE
          this_tx pg_catalog.xid8 := pg_catalog.pg_current_xact_id();
        BEGIN
          IF NEW.realm_id OPERATOR(pg_catalog.<>) OLD.realm_id OR NEW.qbo_id OPERATOR(pg_catalog.<>) OLD.qbo_id THEN
            RAISE EXCEPTION 'the key of a record in %% cannot change', TG_TABLE_NAME
              USING ERRCODE = 'insufficient_privilege';
          END IF;
          IF OLD.tx_id OPERATOR(pg_catalog.=) this_tx OR pg_catalog.record_eq(ROW(%s), ROW(%s)) THEN
            NEW.valid_from := OLD.valid_from;
            NEW.previous_valid_from := OLD.previous_valid_from;
            NEW.tx_id := OLD.tx_id;
            RETURN NEW;
          END IF;
          NEW.valid_from := ${HANDED_MOMENT};
          IF NEW.valid_from OPERATOR(pg_catalog.<=) OLD.valid_from THEN
            NEW.valid_from := OLD.valid_from OPERATOR(pg_catalog.+) interval '1 microsecond';
          END IF;
          NEW.previous_valid_from := OLD.valid_from;
          NEW.tx_id := this_tx;
          RETURN NEW;
        END
        $body$ $sql$, the_table || '_end_version', old_content, new_content);

      -- A loop over the key, whatever the planner thinks of the sizes: a plan is kept while the tables grow. IS TRUE
      -- keeps it from an index by transaction or moment, which all rows of the statement share: a page would take as
      -- many steps as it has rows, squared.
      EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, public, pg_temp
        SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $body$
        BEGIN
          INSERT INTO public.%3$I (%4$s, valid_to)
            SELECT %5$s, greatest((SELECT own_moment()), o.valid_from + interval '1 microsecond')
              FROM replaced o
              JOIN ONLY public.%2$I t ON t.realm_id = o.realm_id AND t.qbo_id = o.qbo_id
             WHERE (t.tx_id = pg_current_xact_id() AND o.tx_id <> t.tx_id) IS TRUE;
          RETURN NULL;
        END
        $body$ $sql$, the_table || '_keep_ended', the_table, history_table, all_columns, old_values);

      -- A row of history is let in where the current row, which only its own triggers date, says that this transaction
      -- ended just that version. The one that keep_ended writes has that place: a second one finds it taken.
      EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, public, pg_temp
        SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $body$
        BEGIN
          IF EXISTS (SELECT FROM added a
                       LEFT JOIN ONLY public.%2$I t
                         ON t.realm_id = a.realm_id AND t.qbo_id = a.qbo_id
                        AND (t.tx_id = pg_current_xact_id()
                             AND t.previous_valid_from = a.valid_from AND t.valid_from = a.valid_to) IS TRUE
                      WHERE t.realm_id IS NULL) THEN
            RAISE EXCEPTION 'INSERT into %% is refused: only its trigger writes history', TG_TABLE_NAME
              USING ERRCODE = 'insufficient_privilege';
          END IF;
          RETURN NULL;
        END
        $body$ $sql$, the_table || '_guard_added', the_table);

      EXECUTE format('CREATE OR REPLACE TRIGGER take_moment BEFORE INSERT OR UPDATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION take_moment()', the_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER begin_version BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION begin_version()', the_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER end_version BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION %I()', the_table, the_table || '_end_version');
      EXECUTE format('CREATE OR REPLACE TRIGGER keep_ended AFTER UPDATE ON %I REFERENCING OLD TABLE AS replaced FOR EACH STATEMENT EXECUTE FUNCTION %I()', the_table, the_table || '_keep_ended');
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_inserted AFTER INSERT ON %I REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION guard_inserted()', the_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_delete_unless_purged()', the_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', the_table);
      -- Says no sooner and more clearly than the index would; guard_added is what holds.
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON %I FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_insert_without_update()', history_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_added AFTER INSERT ON %I REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION %I()', history_table, the_table || '_guard_added');
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_update BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', history_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_delete_unless_purged()', history_table);
      EXECUTE format('CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', history_table);
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER take_moment, ENABLE ALWAYS TRIGGER begin_version, ENABLE ALWAYS TRIGGER end_version, ENABLE ALWAYS TRIGGER keep_ended, ENABLE ALWAYS TRIGGER guard_inserted, ENABLE ALWAYS TRIGGER guard_delete, ENABLE ALWAYS TRIGGER guard_truncate', the_table);
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER guard_insert, ENABLE ALWAYS TRIGGER guard_added, ENABLE ALWAYS TRIGGER guard_update, ENABLE ALWAYS TRIGGER guard_delete, ENABLE ALWAYS TRIGGER guard_truncate', history_table);

      view_of_versions := format('VIEW %I AS SELECT %s, valid_to FROM %I UNION ALL SELECT %s, NULL::timestamptz FROM %I',
                                 the_table || '_versions', all_columns, history_table, all_columns, the_table);
      BEGIN
        EXECUTE 'CREATE OR REPLACE ' || view_of_versions;
      EXCEPTION WHEN invalid_table_definition THEN
        EXECUTE format('DROP VIEW %I', the_table || '_versions');
        EXECUTE 'CREATE ' || view_of_versions;
      END;
      EXECUTE format('COMMENT ON VIEW %I IS %L', the_table || '_versions',
                     'Every version of ' || the_table || ': history and current together; valid_to is null on the current one.');
    END
    $function$;
`

// What the migration before left, to go back to.
const OLD_GUARDS = `
    CREATE OR REPLACE FUNCTION begin_purge() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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

    CREATE OR REPLACE FUNCTION is_being_purged(the_realm_id text) RETURNS boolean LANGUAGE sql STABLE AS $$
      SELECT EXISTS (
        SELECT FROM purges p WHERE p.realm_id = the_realm_id AND p.tx_id = pg_current_xact_id_if_assigned()
      )
    $$;

    CREATE OR REPLACE FUNCTION refuse_direct_insert() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'INSERT into % is refused: only its trigger writes history', TG_TABLE_NAME
          USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN NEW;
    END
    $$;

    CREATE OR REPLACE FUNCTION begin_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.valid_from := clock_timestamp();
      NEW.tx_id := pg_current_xact_id();
      RETURN NEW;
    END
    $$;

    CREATE OR REPLACE FUNCTION require_whole_purge() RETURNS trigger LANGUAGE plpgsql
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

    COMMENT ON FUNCTION is_being_purged IS 'Whether a purge of the company was recorded in this transaction.';
    COMMENT ON COLUMN purges.tx_id IS 'The guards are open for the company within this transaction.';
    CREATE OR REPLACE TRIGGER guard_update BEFORE UPDATE ON purges FOR EACH ROW EXECUTE FUNCTION refuse_change();
    ALTER TABLE purges ENABLE ALWAYS TRIGGER guard_update;
`

const OLD_KEEP_HISTORY = `
    CREATE OR REPLACE FUNCTION keep_history(the_table name) RETURNS void LANGUAGE plpgsql AS $function$
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
`
