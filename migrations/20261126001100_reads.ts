import type { Knex } from 'knex'

/**
 * Reading the mirror at any moment, in SQL as over HTTP: for each mirrored table the rows that were held at a moment
 * and those that QuickBooks had by its own clock, when those answers are final, the status of a document by its
 * company's own date, and how fresh each row is if a newer version of it was rejected.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(COLUMNS)
  await knex.raw(WORDS)
  await knex.raw(SETTLED_BEFORE)
  await knex.raw(SERVE_MOMENTS)
  for (const table of MIRRORED_TABLES) {
    await knex.raw(`
      -- History is only ever read by record or by when a version ended: the few that ended since a moment not long ago
      -- are all that tells that moment from now.
      CREATE INDEX ${table}_history_by_end ON ${table}_history (realm_id, valid_to);
      -- For changes since a moment, and the latest moment of a company. Rows of one page of a run share one.
      CREATE INDEX ${table}_by_change ON ${table} (realm_id, valid_from);
      SELECT serve_moments('${table}');
    `)
  }
  for (const shown of SHOWN) {
    if (shown.present) await knex.raw(currentView(shown))
    await knex.raw(asOfFunctions(shown))
  }
  await knex.raw(VIEWS_OF_ALL)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP VIEW company_freshness, open_items, bills_current, invoices_current, balances_current')
  for (const { table } of SHOWN) {
    await knex.raw(`
      DROP FUNCTION ${table}_as_of(timestamptz);
      DROP FUNCTION ${table}_source_as_of(timestamptz, timestamptz);
    `)
  }
  for (const table of MIRRORED_TABLES) {
    await knex.raw(`
      DROP FUNCTION ${table}_held(timestamptz);
      DROP FUNCTION ${table}_known(timestamptz, timestamptz);
      DROP INDEX ${table}_history_by_end, ${table}_by_change;
    `)
  }
  await knex.raw(`
    DROP FUNCTION serve_moments, settled_before, document_status, company_date;
    DROP INDEX sync_rejects_by_company;
    DROP TRIGGER complete_since_insert ON sync_states;
    DROP TRIGGER complete_since_update ON sync_states;
    DROP FUNCTION note_complete_since;
    ALTER TABLE sync_states DROP COLUMN complete_since;
    ALTER TABLE companies DROP COLUMN max_lag_minutes, DROP COLUMN tags, DROP COLUMN set_by_firm;
  `)
  await knex.raw(VIEWS_BEFORE)
}

const MIRRORED_TABLES = ['vendors', 'customers', 'balances', 'bills', 'invoices']

const COLUMNS = `
  ALTER TABLE companies
    ADD COLUMN max_lag_minutes integer CHECK (max_lag_minutes > 0),
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    ADD COLUMN set_by_firm text[] NOT NULL DEFAULT '{}' CHECK (set_by_firm <@ ARRAY['name', 'time_zone']);
  COMMENT ON COLUMN companies.max_lag_minutes IS 'The promise made for this company: it is late when it lags more. Null: four thirds of the interval.';
  COMMENT ON COLUMN companies.tags IS 'The firm''s own words for finding companies.';
  COMMENT ON COLUMN companies.set_by_firm IS 'Columns that the firm has set itself: QuickBooks'' values for them are not used.';
  -- Runs have overwritten every other name with QuickBooks' own.
  UPDATE companies
     SET set_by_firm = '{name}'
   WHERE name IS NOT NULL AND last_success_at IS NULL AND country IS NULL AND time_zone IS NULL;

  -- The clock of valid_from, so that a moment can be held against it; whoever writes the state need not know of it.
  ALTER TABLE sync_states ADD COLUMN complete_since timestamptz;
  COMMENT ON COLUMN sync_states.complete_since IS 'Set by a trigger, by Postgres'' clock: since when the mirror holds the entity as a whole. What it held before may have been incomplete.';
  CREATE FUNCTION note_complete_since() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.complete_since := clock_timestamp();
    RETURN NEW;
  END
  $$;
  CREATE TRIGGER complete_since_insert BEFORE INSERT ON sync_states
    FOR EACH ROW WHEN (NEW.last_synced_at IS NOT NULL AND NEW.complete_since IS NULL)
    EXECUTE FUNCTION note_complete_since();
  UPDATE sync_states s
     SET complete_since = coalesce(
           (SELECT r.finished_at
              FROM sync_runs r
             WHERE r.realm_id = s.realm_id AND r.status IN ('succeeded', 'partial')
               AND r.entities -> s.entity ->> 'watermarkTo' IS NOT NULL
             ORDER BY r.started_at
             LIMIT 1),
           s.last_synced_at)
   WHERE s.last_synced_at IS NOT NULL;
  CREATE TRIGGER complete_since_update BEFORE UPDATE ON sync_states
    FOR EACH ROW WHEN (NEW.last_synced_at IS NOT NULL AND NEW.complete_since IS NULL)
    EXECUTE FUNCTION note_complete_since();

  CREATE INDEX sync_rejects_by_company ON sync_rejects (realm_id, entity);
`

// The last branch of company_date is QuickBooks' own zone: its times have Pacific offsets.
const WORDS = `
  CREATE FUNCTION company_date(moment timestamptz, time_zone text) RETURNS date LANGUAGE plpgsql STABLE PARALLEL SAFE
  COST 1000 AS $$
  BEGIN
    RETURN (moment AT TIME ZONE coalesce(time_zone, 'America/Los_Angeles'))::date;
  EXCEPTION WHEN invalid_parameter_value THEN
    RETURN (moment AT TIME ZONE 'America/Los_Angeles')::date;
  END
  $$;
  COMMENT ON FUNCTION company_date IS 'A company''s local date at a moment. If its zone is unknown, QuickBooks'' own is used.';

  CREATE FUNCTION document_status(deleted_at timestamptz, voided boolean, balance numeric, due_date date, today date)
  RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN deleted_at IS NOT NULL THEN 'deleted'
                WHEN voided THEN 'voided'
                WHEN balance = 0 THEN 'paid'
                WHEN due_date < today THEN 'overdue'
                ELSE 'open' END
  $$;
  COMMENT ON FUNCTION document_status IS 'The status of a bill or an invoice on a day: deleted, voided, paid, overdue or open.';
`

/**
 * A version's moment is taken by its trigger, so after its transaction began and after it locked the table, and the
 * lock is held until the version can be seen. Everything is read from what Postgres shows to every role, except the
 * start of a session's transaction: that is shown only for sessions of one's own role, so the function runs as its
 * owner.
 */
const SETTLED_BEFORE = `
  CREATE FUNCTION settled_before() RETURNS timestamptz LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
  DECLARE
    settled timestamptz := clock_timestamp();
    -- 0 for a transaction that was prepared to be committed by another session.
    writers integer[];
  BEGIN
    -- What such a transaction sees was fixed before: who wrote then may be gone by now, and is not seen all the same.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
      RETURN '-infinity';
    END IF;
    SELECT array_agg(coalesce(l.pid, 0))
      INTO writers
      FROM pg_lock_status() l
      JOIN public.history_tables t ON format('public.%I', t.table_name)::regclass = l.relation
     WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.granted
       AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
    IF writers IS NULL THEN
      RETURN settled;
    END IF;
    -- Read after the locks: a session that is in another transaction by now has ended the one that wrote.
    RETURN least(settled, (SELECT min(coalesce(a.xact_start, '-infinity'))
                             FROM unnest(writers) AS w (pid)
                             LEFT JOIN pg_stat_get_activity(NULL) a ON a.pid = w.pid));
  END
  $$;
  COMMENT ON FUNCTION settled_before IS 'What the mirror held at a moment before this one is final: no transaction under way can still change it. Ask for it in a statement of its own, before the one that reads.';
`

const SERVE_MOMENTS = `
  CREATE FUNCTION serve_moments(the_table name) RETURNS void LANGUAGE plpgsql AS $function$
  DECLARE
    names text;
    types text;
  BEGIN
    SELECT string_agg(format('v.%I', a.attname), ', ' ORDER BY a.attnum),
           string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
      INTO names, types
      FROM pg_attribute a
     WHERE a.attrelid = format('public.%I', the_table || '_versions')::regclass AND a.attnum > 0
       AND NOT a.attisdropped;
    EXECUTE format('DROP FUNCTION IF EXISTS public.%I(timestamptz)', the_table || '_held');
    EXECUTE format('DROP FUNCTION IF EXISTS public.%I(timestamptz, timestamptz)', the_table || '_known');
    EXECUTE format($sql$
      CREATE FUNCTION public.%I(moment timestamptz) RETURNS TABLE (%s) LANGUAGE sql STABLE PARALLEL SAFE AS $body$
        SELECT %s
          FROM public.%I v
         WHERE v.valid_from <= moment AND (v.valid_to IS NULL OR v.valid_to > moment)
      $body$ $sql$, the_table || '_held', types, names, the_table || '_versions');
    EXECUTE format('COMMENT ON FUNCTION public.%I IS %L', the_table || '_held',
                   'The version of each record of ' || the_table || ' that the mirror held at a moment, deleted ones with deleted_at.');
    EXECUTE format($sql$
      CREATE FUNCTION public.%I(source_moment timestamptz, moment timestamptz) RETURNS TABLE (%s)
      LANGUAGE sql STABLE PARALLEL SAFE AS $body$
        SELECT DISTINCT ON (v.realm_id, v.qbo_id) %s
          FROM public.%I v
         WHERE v.source_valid_from <= source_moment AND v.valid_from <= moment
         ORDER BY v.realm_id, v.qbo_id, v.valid_from DESC
      $body$ $sql$, the_table || '_known', types, names, the_table || '_versions');
    EXECUTE format('COMMENT ON FUNCTION public.%I IS %L', the_table || '_known',
                   'For each record of ' || the_table || ', among the versions that the mirror knew at a moment, the last one (in the order in which the mirror learned of them) that began by source_moment by QuickBooks'' clock. Deleted ones with deleted_at.');
  END
  $function$;
  COMMENT ON FUNCTION serve_moments IS 'Creates the functions _held and _known of a table with history. Call it again after keep_history when a column was added.';
`

interface Shown {
  readonly table: string
  /** Name of one record, as in sync_states. */
  readonly name: string
  /** Each with its type, in the order of the view that was there before: a view cannot change it. */
  readonly columns: readonly string[]
  /** Whether there is a view of present rows. */
  readonly present: boolean
}

const SHOWN: readonly Shown[] = [
  {
    table: 'bills',
    name: 'bill',
    present: true,
    columns: [
      'doc_number text',
      'vendor_id text',
      'vendor_name text',
      'txn_date date',
      'due_date date',
      'currency text',
      'exchange_rate numeric',
      'total_amount numeric',
      'balance numeric',
      'home_balance numeric',
      'ap_account_id text',
      'private_note text',
    ],
  },
  {
    table: 'invoices',
    name: 'invoice',
    present: true,
    columns: [
      'doc_number text',
      'customer_id text',
      'customer_name text',
      'txn_date date',
      'due_date date',
      'currency text',
      'exchange_rate numeric',
      'total_amount numeric',
      'balance numeric',
      'home_total_amount numeric',
      'home_balance numeric',
      'email_status text',
      'private_note text',
      'voided boolean',
    ],
  },
  {
    table: 'balances',
    name: 'balance',
    present: true,
    columns: [
      'account_name text',
      'fully_qualified_name text',
      'account_type text',
      'account_sub_type text',
      'classification text',
      'currency text',
      'current_balance numeric',
      'current_balance_with_sub_accounts numeric',
      'parent_id text',
      'active boolean',
    ],
  },
  {
    table: 'vendors',
    name: 'vendor',
    present: false,
    columns: ['display_name text', 'company_name text', 'currency text', 'active boolean'],
  },
  {
    table: 'customers',
    name: 'customer',
    present: false,
    columns: [
      'display_name text',
      'fully_qualified_name text',
      'parent_id text',
      'currency text',
      'active boolean',
    ],
  },
]

interface Party {
  readonly table: string
  readonly id: string
  readonly name: string
}

const PARTIES: Readonly<Record<string, Party>> = {
  bills: { table: 'vendors', id: 'vendor_id', name: 'vendor_name' },
  invoices: { table: 'customers', id: 'customer_id', name: 'customer_name' },
}

function selected(table: string, columns: readonly string[]): string {
  const party = PARTIES[table]
  return columns
    .map((column) => column.split(' ')[0]!)
    .map((column) =>
      column === party?.name ? `coalesce(p.display_name, d.${column}) AS ${column}` : `d.${column}`,
    )
    .join(', ')
}

function statusOf(table: string, moment: string): string {
  const voided = table === 'invoices' ? 'd.voided' : 'false'
  return `document_status(d.deleted_at, ${voided}, d.balance, d.due_date, company_date(${moment}, c.time_zone))`
}

function currentView({ table, name, columns }: Shown): string {
  const party = PARTIES[table]
  return `
    CREATE OR REPLACE VIEW ${table}_current AS
      SELECT d.realm_id, d.qbo_id, ${selected(table, columns)}, d.source_updated_at,
             CASE WHEN r.rejected_since IS NULL THEN greatest(d.last_synced_at, s.last_synced_at)
                  ELSE d.last_synced_at END AS last_synced_at,
             d.valid_from, r.rejected_since${party ? `, ${statusOf(table, 'now()')} AS status` : ''}
        FROM ${table} d
        ${party ? `LEFT JOIN ${party.table} p ON p.realm_id = d.realm_id AND p.qbo_id = d.${party.id}` : ''}
        ${party ? 'LEFT JOIN companies c ON c.realm_id = d.realm_id' : ''}
        LEFT JOIN sync_states s ON s.realm_id = d.realm_id AND s.entity = '${name}'
        LEFT JOIN (SELECT t.realm_id, t.qbo_id, min(t.first_seen_at) AS rejected_since
                     FROM sync_rejects t
                    WHERE t.entity = '${name}' AND t.resolved_at IS NULL
                    GROUP BY t.realm_id, t.qbo_id) r ON r.realm_id = d.realm_id AND r.qbo_id = d.qbo_id
       WHERE d.deleted_at IS NULL;
    COMMENT ON COLUMN ${table}_current.rejected_since IS 'Since when a newer version of the record has been rejected; last_synced_at is then that of the content shown.';
  `
}

/** Text bodies, so that they do not depend on a view that keep_history recreates. */
function asOfFunctions({ table, name, columns }: Shown): string {
  const party = PARTIES[table]
  const returned = [
    'realm_id text',
    'qbo_id text',
    ...columns,
    'source_updated_at timestamptz',
    'source_valid_from timestamptz',
    'last_synced_at timestamptz',
    'valid_from timestamptz',
    'rejected_since timestamptz',
    ...(party ? ['status text'] : []),
  ]
  const body = (rows: (of: string) => string, { held, day }: { held: string; day: string }) => `
    SELECT d.realm_id, d.qbo_id, ${selected(table, columns)}, d.source_updated_at, d.source_valid_from,
           least(d.last_synced_at, ${held}), d.valid_from, r.rejected_since${party ? `, public.${statusOf(table, day).replace('company_date', 'public.company_date')}` : ''}
      FROM public.${rows(table)} d
      ${party ? `LEFT JOIN public.${rows(party.table)} p ON p.realm_id = d.realm_id AND p.qbo_id = d.${party.id}` : ''}
      ${party ? 'LEFT JOIN public.companies c ON c.realm_id = d.realm_id' : ''}
      LEFT JOIN (SELECT t.realm_id, t.qbo_id, min(t.first_seen_at) AS rejected_since
                   FROM public.sync_rejects t
                  WHERE t.entity = '${name}' AND t.first_seen_at <= ${held}
                    AND (t.resolved_at IS NULL OR t.resolved_at > ${held})
                  GROUP BY t.realm_id, t.qbo_id) r ON r.realm_id = d.realm_id AND r.qbo_id = d.qbo_id
     WHERE d.deleted_at IS NULL`
  return `
    CREATE FUNCTION ${table}_as_of(moment timestamptz) RETURNS TABLE (${returned.join(', ')})
    LANGUAGE sql STABLE PARALLEL SAFE AS $body$
      ${body((of) => `${of}_held(moment)`, { held: 'moment', day: 'moment' })}
    $body$;
    COMMENT ON FUNCTION ${table}_as_of IS 'What the mirror held of ${table} at a moment, by our clock; final for moments before settled_before().';
    CREATE FUNCTION ${table}_source_as_of(source_moment timestamptz, moment timestamptz DEFAULT 'infinity')
    RETURNS TABLE (${returned.join(', ')})
    LANGUAGE sql STABLE PARALLEL SAFE AS $body$
      ${body((of) => `${of}_known(source_moment, moment)`, { held: 'moment', day: 'source_moment' })}
    $body$;
    COMMENT ON FUNCTION ${table}_source_as_of IS 'What QuickBooks had of ${table} at source_moment by its own clock, as far as observed; with a moment, as far as the mirror knew then.';
  `
}

const VIEWS_OF_ALL = `
  CREATE VIEW open_items AS
    SELECT o.kind, o.realm_id, o.qbo_id, o.counterparty_id, o.counterparty, o.doc_number, o.txn_date, o.due_date,
           o.currency, o.total_amount, o.balance, o.last_synced_at, o.rejected_since, t.today,
           greatest(t.today - o.due_date, 0) AS days_overdue,
           CASE WHEN o.due_date IS NULL OR o.due_date >= t.today THEN 'current'
                WHEN t.today - o.due_date <= 30 THEN '1 to 30'
                WHEN t.today - o.due_date <= 60 THEN '31 to 60'
                WHEN t.today - o.due_date <= 90 THEN '61 to 90'
                ELSE 'over 90' END AS age,
           t.today - o.txn_date AS age_days
      FROM companies c
     CROSS JOIN LATERAL (SELECT company_date(now(), c.time_zone) AS today OFFSET 0) t
      JOIN (SELECT 'bill' AS kind, realm_id, qbo_id, vendor_id AS counterparty_id, vendor_name AS counterparty, doc_number,
                   txn_date, due_date, currency, total_amount, balance, last_synced_at, rejected_since
              FROM bills_current
             WHERE balance <> 0
            UNION ALL
            SELECT 'invoice', realm_id, qbo_id, customer_id, customer_name, doc_number, txn_date, due_date, currency,
                   total_amount, balance, last_synced_at, rejected_since
              FROM invoices_current
             WHERE balance <> 0 AND NOT voided) o ON o.realm_id = c.realm_id;
  COMMENT ON VIEW open_items IS 'Bills and invoices that are still owed, with their age by the company''s own date.';
  COMMENT ON COLUMN open_items.days_overdue IS 'Days since the due date; 0 when it is not past, null where there is none.';
  COMMENT ON COLUMN open_items.age IS 'current, 1 to 30, 31 to 60, 61 to 90 or over 90 days past due.';
  COMMENT ON COLUMN open_items.age_days IS 'Days since the document''s own date.';

  CREATE VIEW company_freshness AS
    SELECT c.realm_id, c.name, c.status, c.status_code, e.entity, s.watermark, s.last_synced_at, s.complete_since,
           s.last_synced_at IS NULL AS never_synced,
           extract(epoch FROM now() - coalesce(s.watermark, c.created_at)) AS lag_seconds, c.max_lag_minutes,
           coalesce(r.rejects, 0) AS rejects
      FROM companies c
     CROSS JOIN (VALUES ('vendor'), ('customer'), ('balance'), ('bill'), ('invoice')) AS e (entity)
      LEFT JOIN sync_states s ON s.realm_id = c.realm_id AND s.entity = e.entity
      LEFT JOIN (SELECT t.realm_id, t.entity, count(*) AS rejects
                   FROM sync_rejects t
                  WHERE t.resolved_at IS NULL
                  GROUP BY t.realm_id, t.entity) r ON r.realm_id = c.realm_id AND r.entity = e.entity;
  COMMENT ON VIEW company_freshness IS 'How far each entity of each company can be trusted. Where never_synced is true the mirror has nothing to show, which is not the same as nothing owed.';
  COMMENT ON COLUMN company_freshness.lag_seconds IS 'Now less the watermark; of an entity that was never synced, since the registration.';
`

const VIEWS_BEFORE = `
  CREATE VIEW bills_current AS
    SELECT b.realm_id, b.qbo_id, b.doc_number, b.vendor_id, coalesce(v.display_name, b.vendor_name) AS vendor_name,
           b.txn_date, b.due_date, b.currency, b.exchange_rate, b.total_amount, b.balance, b.home_balance,
           b.ap_account_id, b.private_note, b.source_updated_at,
           greatest(b.last_synced_at, s.last_synced_at) AS last_synced_at, b.valid_from
      FROM bills b
      LEFT JOIN vendors v ON v.realm_id = b.realm_id AND v.qbo_id = b.vendor_id
      LEFT JOIN sync_states s ON s.realm_id = b.realm_id AND s.entity = 'bill'
     WHERE b.deleted_at IS NULL;
  CREATE VIEW invoices_current AS
    SELECT i.realm_id, i.qbo_id, i.doc_number, i.customer_id, coalesce(c.display_name, i.customer_name) AS customer_name,
           i.txn_date, i.due_date, i.currency, i.exchange_rate, i.total_amount, i.balance, i.home_total_amount,
           i.home_balance, i.email_status, i.private_note, i.voided, i.source_updated_at,
           greatest(i.last_synced_at, s.last_synced_at) AS last_synced_at, i.valid_from
      FROM invoices i
      LEFT JOIN customers c ON c.realm_id = i.realm_id AND c.qbo_id = i.customer_id
      LEFT JOIN sync_states s ON s.realm_id = i.realm_id AND s.entity = 'invoice'
     WHERE i.deleted_at IS NULL;
  CREATE VIEW balances_current AS
    SELECT a.realm_id, a.qbo_id, a.account_name, a.fully_qualified_name, a.account_type, a.account_sub_type,
           a.classification, a.currency, a.current_balance, a.current_balance_with_sub_accounts, a.parent_id,
           a.active, a.source_updated_at, greatest(a.last_synced_at, s.last_synced_at) AS last_synced_at,
           a.valid_from
      FROM balances a
      LEFT JOIN sync_states s ON s.realm_id = a.realm_id AND s.entity = 'balance'
     WHERE a.deleted_at IS NULL;
  COMMENT ON VIEW bills_current IS 'Live bills with the vendor''s present name and the moment up to which they are known to be right.';
  COMMENT ON VIEW invoices_current IS 'Live invoices with the customer''s present name and the moment up to which they are known to be right.';
  COMMENT ON VIEW balances_current IS 'Live accounts with the moment up to which they are known to be right.';
`
