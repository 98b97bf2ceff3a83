import type { Knex } from 'knex'

/** The mirrored records, what each table keeps of them, and the views for people who read with SQL. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE vendors (
      ${KEY_COLUMNS},
      display_name text NOT NULL,
      company_name text,
      currency text,
      active boolean NOT NULL,
      ${MIRROR_COLUMNS}
    );
    CREATE TABLE customers (
      ${KEY_COLUMNS},
      display_name text NOT NULL,
      fully_qualified_name text,
      parent_id text,
      currency text,
      active boolean NOT NULL,
      ${MIRROR_COLUMNS}
    );
    CREATE TABLE balances (
      ${KEY_COLUMNS},
      account_name text NOT NULL,
      fully_qualified_name text,
      account_type text,
      account_sub_type text,
      classification text,
      currency text,
      current_balance numeric,
      current_balance_with_sub_accounts numeric,
      parent_id text,
      active boolean NOT NULL,
      ${MIRROR_COLUMNS}
    );
    CREATE TABLE bills (
      ${KEY_COLUMNS},
      vendor_id text,
      vendor_name text,
      doc_number text,
      txn_date date NOT NULL,
      due_date date,
      currency text,
      exchange_rate numeric,
      total_amount numeric NOT NULL,
      balance numeric NOT NULL,
      home_balance numeric,
      ap_account_id text,
      private_note text,
      ${MIRROR_COLUMNS}
    );
    CREATE TABLE invoices (
      ${KEY_COLUMNS},
      customer_id text,
      customer_name text,
      doc_number text,
      txn_date date NOT NULL,
      due_date date,
      currency text,
      exchange_rate numeric,
      total_amount numeric NOT NULL,
      balance numeric NOT NULL,
      home_total_amount numeric,
      home_balance numeric,
      email_status text,
      private_note text,
      voided boolean NOT NULL,
      ${MIRROR_COLUMNS}
    );

    COMMENT ON TABLE vendors IS 'Whom companies buy from: the list that names the parties of bills.';
    COMMENT ON TABLE customers IS 'Whom companies sell to: the list that names the parties of invoices.';
    COMMENT ON TABLE balances IS 'Accounts with what stands on them now. qbo_id is the Account''s Id.';
    COMMENT ON COLUMN balances.current_balance IS 'Meaningful for balance-sheet accounts; liabilities and equity usually come negative.';
    COMMENT ON COLUMN balances.current_balance_with_sub_accounts IS 'Includes every descendant: never sum it over a tree.';
    COMMENT ON TABLE bills IS 'What vendors ask to be paid.';
    COMMENT ON COLUMN bills.vendor_name IS 'Name as the bill carried it when its content was last taken; vendors has the present one.';
    COMMENT ON COLUMN bills.exchange_rate IS 'Home units per one unit of currency; null where QuickBooks sent none.';
    COMMENT ON TABLE invoices IS 'What customers are asked to pay.';
    COMMENT ON COLUMN invoices.customer_name IS 'Name as the invoice carried it when its content was last taken; customers has the present one.';
    COMMENT ON COLUMN invoices.exchange_rate IS 'Home units per one unit of currency; null where QuickBooks sent none.';
    COMMENT ON COLUMN invoices.voided IS 'Amounts of zero and a note that begins with Voided: QuickBooks has no status for it.';

    CREATE INDEX bills_open_by_due_date ON bills (realm_id, due_date) WHERE balance <> 0 AND deleted_at IS NULL;
    CREATE INDEX invoices_open_by_due_date ON invoices (realm_id, due_date) WHERE balance <> 0 AND deleted_at IS NULL;
  `)
  for (const table of MIRRORED_TABLES) {
    await knex.raw(`SELECT keep_history('${table}')`)
    await knex.raw(`
      COMMENT ON COLUMN ${table}.source_updated_at IS 'QuickBooks'' latest word on the record: its LastUpdatedTime, second precision.';
      COMMENT ON COLUMN ${table}.source_valid_from IS 'QuickBooks'' time at which this content began.';
      COMMENT ON COLUMN ${table}.observed_at IS 'The time that the answer carried which brought this.';
      COMMENT ON COLUMN ${table}.last_synced_at IS 'Our time at which the content was last read; the row is as fresh as the later of this and sync_states.last_synced_at.';
      COMMENT ON COLUMN ${table}.deleted_at IS 'Our time at which we learned that QuickBooks no longer has the record; the row stays.';
      COMMENT ON COLUMN ${table}.valid_from IS 'Set by a trigger: since when the mirror holds this version.';
      COMMENT ON COLUMN ${table}.content_hash IS 'SHA-256 of the canonical content.';
      COMMENT ON COLUMN ${table}.raw IS 'The payload as of this version.';
      COMMENT ON COLUMN ${table}.tx_id IS 'Set by a trigger: the transaction that wrote this version.';
    `)
  }
  await knex.raw(`
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
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP VIEW balances_current, invoices_current, bills_current')
  for (const table of MIRRORED_TABLES) {
    await knex.raw(`
      DROP VIEW ${table}_versions;
      DROP TABLE ${table}_history, ${table};
      DROP FUNCTION ${table}_end_version;
    `)
  }
}

const MIRRORED_TABLES = ['vendors', 'customers', 'balances', 'bills', 'invoices']

const KEY_COLUMNS = `
      realm_id text NOT NULL,
      qbo_id text NOT NULL,
      PRIMARY KEY (realm_id, qbo_id)`

const MIRROR_COLUMNS = `
      sync_token text,
      source_created_at timestamptz,
      source_updated_at timestamptz NOT NULL,
      source_valid_from timestamptz NOT NULL,
      observed_at timestamptz NOT NULL,
      last_synced_at timestamptz NOT NULL,
      deleted_at timestamptz,
      valid_from timestamptz NOT NULL,
      content_hash text NOT NULL,
      mapping_version integer NOT NULL,
      sync_run_id bigint NOT NULL,
      tx_id xid8 NOT NULL,
      raw jsonb NOT NULL`
