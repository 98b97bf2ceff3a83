import type { Knex } from 'knex'

/** Gives every column that has none its meaning, for people who read with SQL and for `docs/schema.md`. */
export async function up(knex: Knex): Promise<void> {
  for (const { relation, name } of await columns(knex, 'IS NULL')) {
    const words = OF_ONE[`${relation}.${name}`] ?? OF_ALL[name]
    if (words !== undefined) await comment(knex, relation, name, words)
  }
  // What is kept of a table, and what shows it, means the same as in the table.
  for (const { relation, name, told } of await copies(knex)) {
    if (told === null) await comment(knex, relation, name, await meaningOf(knex, relation, name))
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const { relation, name, told } of await copies(knex)) {
    if (told === (await meaningOf(knex, relation, name))) await comment(knex, relation, name, null)
  }
  for (const { relation, name, told } of await columns(knex, 'IS NOT NULL')) {
    const words = OF_ONE[`${relation}.${name}`] ?? OF_ALL[name]
    if (words === told) await comment(knex, relation, name, null)
  }
}

interface Column {
  readonly relation: string
  readonly name: string
  readonly told: string | null
}

async function columns(knex: Knex, condition: 'IS NULL' | 'IS NOT NULL'): Promise<Column[]> {
  const all = await read(knex)
  return all.filter(
    ({ relation, told }) => !COPY.test(relation) && (told === null) === (condition === 'IS NULL'),
  )
}

async function copies(knex: Knex): Promise<Column[]> {
  return (await read(knex)).filter(({ relation }) => COPY.test(relation))
}

const COPY = /_(history|versions|current)$/

/** What a copy's column means: as in its table where it has one there, else by its name. */
async function meaningOf(knex: Knex, relation: string, name: string): Promise<string | null> {
  const table = relation.replace(COPY, '')
  const own = OF_ONE[`copy.${name}`]
  if (own !== undefined) return own
  const found = (await read(knex)).find((column) => column.relation === table && column.name === name)
  return found?.told ?? null
}

async function read(knex: Knex): Promise<Column[]> {
  const { rows } = await knex.raw<{ rows: Column[] }>(`
    SELECT c.relname AS relation, a.attname AS name, col_description(c.oid, a.attnum) AS told
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname !~ '^knex_'
     ORDER BY c.relname COLLATE "C", a.attnum`)
  return rows
}

async function comment(knex: Knex, relation: string, name: string, words: string | null): Promise<void> {
  const {
    rows: [made],
  } = await knex.raw<{ rows: { statement: string }[] }>(
    `SELECT format('COMMENT ON COLUMN public.%I.%I IS %L', ?::text, ?::text, ?::text) AS statement`,
    [relation, name, words],
  )
  await knex.raw(made!.statement)
}

/** By name alone, where it means the same in every table. */
const OF_ALL: Readonly<Record<string, string>> = {
  realm_id: "Intuit's number of the company; ids of QuickBooks collide between companies, so join by it too.",
  qbo_id: 'The Id of the record in QuickBooks, which is unique within its company and entity alone.',
  entity: 'bill, invoice, balance, vendor or customer.',
  sync_run_id: 'The run that wrote this, in sync_runs.',
  sync_token: "QuickBooks' number of the edit; it does not move when only a balance does.",
  source_created_at: "When the record was entered, by QuickBooks' clock.",
  source_updated_at: 'When QuickBooks last touched the record, by its own clock.',
  source_valid_from: "When this content began, by QuickBooks' clock.",
  observed_at: "The time of the answer that brought this, by QuickBooks' clock.",
  mapping_version: 'The mapping by which the columns were made from raw.',
  deleted_at: 'When we learned, by our clock, that QuickBooks no longer has the record.',
  doc_number: 'The number on the document; QuickBooks does not keep it unique.',
  txn_date: "The date on the document, in the company's own days.",
  due_date: 'The last day on which payment is in time; null where there is none.',
  currency: 'ISO code of every amount of the row but the home ones; never add two of them.',
  exchange_rate: 'Home currency for one unit of currency; null where QuickBooks sends none.',
  total_amount: 'The whole of the document, in its currency.',
  balance: 'What is still owed of it, in its currency.',
  home_balance: "balance in the company's home currency; null where QuickBooks sends none.",
  home_total_amount: "total_amount in the company's home currency; null where QuickBooks sends none.",
  vendor_id: 'qbo_id of the vendor to whom it is owed.',
  customer_id: 'qbo_id of the customer who owes it.',
  counterparty_id: 'qbo_id of the vendor of a bill, or of the customer of an invoice.',
  counterparty: 'The present name of that vendor or customer.',
  ap_account_id: 'qbo_id of the account, in balances, on which the bill is owed.',
  private_note: 'The memo that only the company sees.',
  email_status: 'How far QuickBooks is with sending the invoice, in its words.',
  account_name: 'The name of the account without those above it.',
  account_type: "QuickBooks' type, such as Bank or Accounts Payable.",
  account_sub_type: "QuickBooks' finer type within account_type.",
  classification: 'Asset, Liability, Equity, Revenue or Expense.',
  fully_qualified_name: 'The name with those of all parents in front of it, joined by colons.',
  parent_id: 'qbo_id of the one above it; null at the top.',
  active: 'False where it was made inactive in QuickBooks, its way of removing from lists.',
  display_name: 'The name by which QuickBooks lists it; unique within a company at a time.',
  company_name: 'The name of the business, where it differs from the listed one.',
  error_code: 'Error code of what went wrong; null when nothing did.',
  error_message: 'What went wrong, in a sentence.',
  error_intuit_tid: "Intuit's id of the refused call, which its support asks for.",
  intuit_tid: "Intuit's id of the call, which its support asks for.",
  metered_calls: 'How many of the calls Intuit counts against the monthly quota.',
  labels: 'The labels of the series.',
  metric: 'The name of the series in /metrics.',
  status: 'See the check of the table for the words.',
  mode: 'incremental (changes alone) or full (a complete listing).',
  code: 'Error code of the reason.',
  reason: 'Why, in words.',
  id: 'A number of ours.',
  name: 'The name of the company, from QuickBooks or from the firm.',
  rejects: 'Records that could not be taken and are not settled.',
}

/** Where the name alone does not say it. */
const OF_ONE: Readonly<Record<string, string>> = {
  'copy.valid_to': 'Until when the mirror held this version, that moment excluded; null while it does.',
  'copy.last_synced_at': 'When the content was last confirmed, by our clock.',
  'copy.status': "open, overdue, paid or voided, by the company's own date.",
  'companies.status': 'active, paused, needs_reauth, unavailable (its subscription lapsed) or disconnected.',
  'companies.status_changed_at': 'When status last changed, by our clock.',
  'companies.country': 'The country of the company, as QuickBooks tells it.',
  'companies.home_currency': 'ISO code of the currency in which the company keeps its books.',
  'companies.failing_code': 'Error code of the failures that stand in a row; null after a success.',
  'companies.failures_in_a_row': 'How many runs have failed since the last that did not.',
  'companies.requested_trigger': 'Who or what made the latest request, as the run for it will say.',
  'company_events.at': 'When it happened, by our clock.',
  'company_events.kind': 'What happened, in one of the words of the check.',
  'company_events.detail': 'More of it, as far as there is.',
  'company_freshness.complete_since':
    'Since when every record of the entity was in the mirror; null before the first complete listing ended.',
  'company_freshness.last_synced_at': 'When the entity was last confirmed complete, by our clock.',
  'company_freshness.max_lag_minutes':
    'How far the company may lag, as promised for it; null: four thirds of the interval.',
  'company_freshness.never_synced':
    'Nothing was ever read of the entity: that nothing is shown says nothing.',
  'company_freshness.status': 'As in companies.',
  'company_freshness.status_code':
    'Error code that led to the status; null when a person chose it or all is well.',
  'company_freshness.watermark': "QuickBooks' time up to which the mirror is complete.",
  'connections.access_token_ciphertext': 'The encrypted access token.',
  'connections.access_token_expires_at': 'When Intuit stops taking the access token.',
  'connections.refresh_token_ciphertext':
    'The encrypted refresh token; Intuit replaces it with each renewal.',
  'connections.refresh_token_expires_at':
    'When Intuit stops taking the refresh token: then a person must connect again.',
  'connections.updated_at': 'When the tokens were last replaced.',
  'console_sessions.began_at': 'When somebody signed in.',
  'console_sessions.ends_at': 'When the session ends by itself.',
  'console_sessions.id': 'What the sealed cookie names.',
  'disappearances.held': 'How many live records the mirror held.',
  'history_tables.table_name': 'A table whose versions are kept.',
  'login_attempts.expire': 'When the count ends, in milliseconds since 1970.',
  'login_attempts.key': 'Whose attempts are counted.',
  'login_attempts.points': 'How many there were.',
  'metric_totals.total': 'What the counter stood at when the raises beside it were last added.',
  'open_items.kind': 'bill: the company owes it. invoice: it is owed to the company.',
  'open_items.last_synced_at': 'When the content was last confirmed, by our clock.',
  'open_items.rejected_since': 'Since when a newer version has been rejected; null when none is.',
  'open_items.today': "The company's own date, from which the ages are counted.",
  'portfolio_sums.sums': 'The sums of one company as the portfolio shows them.',
  'purges.purged_at': 'When the purge was recorded.',
  'purges.purged_by': 'Who recorded it.',
  'purges.reason': 'Why the company was to be forgotten.',
  'quickbooks_calls.calls': 'How many calls there were.',
  'quickbooks_calls.day': 'The day in UTC.',
  'quickbooks_calls.operation': 'What kind of call it was.',
  'quickbooks_calls.status': 'HTTP status of the answer, or the word for what came in its place.',
  'service_state.calls_paused_code': 'Error code for which all calls pause.',
  'service_state.calls_paused_reason': 'Why all calls pause, in a sentence.',
  'service_state.last_tick_at': 'When the scheduler last looked for companies that are due.',
  'service_state.only_row': 'Keeps the table to one row.',
  'sync_rejects.attempts': 'How many readings of it have failed.',
  'sync_rejects.first_seen_at': 'When it was first rejected.',
  'sync_rejects.last_seen_at': 'When it was last rejected.',
  'sync_rejects.retry_at': 'When it is read again by itself.',
  'sync_rejects.qbo_id': 'The Id of the record; null where it could not be read.',
  'sync_runs.entities':
    'Per entity: watermarks and how many records were inserted, updated, deleted and so on.',
  'sync_runs.finished_at': 'When it ended; null while it runs.',
  'sync_runs.requests': 'Calls made to QuickBooks.',
  'sync_runs.started_at': 'When it began, by our clock.',
  'sync_runs.status':
    'running, succeeded, partial (something was not taken), failed or abandoned (its process died).',
  'sync_runs.trigger': 'What asked for it: schedule, manual, webhook, backfill, reconcile or recovery.',
  'tombstones.deleted_at': 'When we learned of the delete, by our clock.',
  'transaction_moments.moment': 'When all versions that the transaction writes begin.',
  'transaction_moments.tx_id': 'The transaction.',
}
