import type { Database } from '../src/db/database.ts'
import { withoutTriggers } from './fill-reads.ts'
import { vacuumAll } from './vacuum.ts'

export interface YearsFill {
  readonly companies: number
  /** Of the first company alone, which stays as it is while the others grow. */
  readonly invoicesOfTheBiggest: number
  readonly customersOfTheBiggest: number
  /** What each other company gains in a year: invoices, each with a superseded version, and runs. */
  readonly invoicesAYear: number
  readonly runsAYear: number
}

const FIRST_REALM = 4620816340000000000n

export const BIGGEST = String(FIRST_REALM + 1n)

const BOOKKEEPING = `sync_token, source_created_at, source_updated_at, source_valid_from, observed_at, last_synced_at,
  content_hash, mapping_version, sync_run_id`

function bookkeeping(moment: string): string {
  return `'0', ${moment}, ${moment}, ${moment}, ${moment}, ${moment}, md5('x'), 1, 1`
}

/** The companies, and three years of the biggest one. Written by SQL with the triggers off: they know no past. */
export async function fillBiggest({ knex }: Pick<Database, 'knex'>, fill: YearsFill): Promise<void> {
  const bindings = { ...fill }
  await knex.raw(
    `INSERT INTO companies (realm_id, name, status, status_changed_at, next_sync_at, created_at, home_currency, time_zone,
                            requested_seq, served_seq, last_success_at)
     SELECT (${FIRST_REALM} + n)::text, 'Company ' || n, 'active', now(), now() + n * interval '50 milliseconds',
            now() - interval '3 years', 'USD', 'America/Denver', 5, 5, now()
       FROM generate_series(1, CAST(:companies AS int)) n`,
    bindings,
  )
  await knex.raw(
    `INSERT INTO connections (realm_id, environment, refresh_token_ciphertext, updated_at)
     SELECT realm_id, 'sandbox', repeat('x', 200), now() FROM companies`,
  )
  await knex.raw(
    `INSERT INTO sync_states (realm_id, entity, watermark, last_synced_at, mapping_version, complete_since)
     SELECT realm_id, entity, now(), now(), 1, created_at
       FROM companies CROSS JOIN unnest(ARRAY['vendor', 'customer', 'balance', 'bill', 'invoice']) entity`,
  )
  await knex.raw(
    `INSERT INTO metric_totals (metric, labels, total)
     SELECT 'ledger_quickbooks_metered_calls_total', jsonb_build_object('realm_id', realm_id), 96 FROM companies`,
  )
  await withoutTriggers(knex, 'customers', () =>
    knex.raw(
      `INSERT INTO customers (realm_id, qbo_id, display_name, active, valid_from, tx_id, ${BOOKKEEPING}, raw)
       SELECT realm_id, n::text, 'Party ' || md5(n::text), true, created_at, '3'::xid8, ${bookkeeping('created_at')}, '{}'
         FROM companies
        CROSS JOIN LATERAL generate_series(1, CASE WHEN realm_id = '${BIGGEST}'
                                                   THEN CAST(:customersOfTheBiggest AS int) ELSE 20 END) n`,
      bindings,
    ),
  )
  await fillInvoices(knex, {
    companies: `c.realm_id = '${BIGGEST}'`,
    from: 0,
    each: fill.invoicesOfTheBiggest,
    customers: fill.customersOfTheBiggest,
    since: `interval '3 years'`,
    lines: 100,
  })
}

/** One more year of every other company: of its books, its runs and what else runs leave behind. */
export async function addYear(
  { knex }: Pick<Database, 'knex'>,
  { invoicesAYear, runsAYear }: YearsFill,
  year: number,
): Promise<void> {
  await fillInvoices(knex, {
    companies: `c.realm_id <> '${BIGGEST}'`,
    from: year * invoicesAYear,
    each: invoicesAYear,
    customers: 20,
    since: `interval '1 year' * ${3 - year}`,
    lines: 4,
  })
  const began = `now() - interval '1 year' * ${2 - year} - (k::float8 / :runsAYear) * interval '365 days'`
  await knex.raw(
    `INSERT INTO sync_runs (realm_id, trigger, mode, status, started_at, finished_at, served_request, requests,
                            metered_calls, changed, entities, error_code)
     SELECT realm_id, 'schedule', 'incremental', CASE WHEN k % 50 = 0 THEN 'failed' ELSE 'succeeded' END, ${began},
            ${began}, k, 1, 1, true, jsonb_build_object('bill', jsonb_build_object('fetched', 1)),
            CASE WHEN k % 50 = 0 THEN 'unavailable' END
       FROM generate_series(CAST(:runsAYear AS int), 1, -1) k CROSS JOIN companies`,
    { runsAYear },
  )
  await knex.raw(
    `INSERT INTO quickbooks_calls (realm_id, day, operation, status, calls, metered_calls)
     SELECT realm_id, current_date - ${365 * (2 - year)} - k, 'cdc', '200', 96, 96
       FROM generate_series(0, 364) k CROSS JOIN companies
     ON CONFLICT DO NOTHING`,
  )
  await knex.raw(
    `INSERT INTO sync_rejects (realm_id, entity, qbo_id, payload, code, reason, sync_run_id, first_seen_at, last_seen_at,
                               retry_at, resolved_at)
     SELECT realm_id, 'invoice', k::text, '{}', 'invalid_payload', 'no amount', 1, now(), now(), now(), now()
       FROM generate_series(1, 20) k CROSS JOIN companies`,
  )
  await knex.raw(
    `INSERT INTO company_events (at, realm_id, kind, actor)
     SELECT now() - k * interval '1 hour', realm_id, 'paused', 'admin'
       FROM generate_series(1, 20) k CROSS JOIN companies`,
  )
  await vacuumAll(knex)
}

interface InvoicesFill {
  /** A condition over `c`. */
  readonly companies: string
  /** The first id less one. */
  readonly from: number
  readonly each: number
  readonly customers: number
  /** How long ago the first of them came, as SQL; the last came a year later, or now. */
  readonly since: string
  /** Of some 16 bytes each, in the payload. */
  readonly lines: number
}

async function fillInvoices(knex: Database['knex'], fill: InvoicesFill): Promise<void> {
  const columns = `realm_id, qbo_id, customer_id, customer_name, doc_number, txn_date, due_date, currency, total_amount,
                   balance, voided, ${BOOKKEEPING}, tx_id, raw, valid_from`
  const made = `
    SELECT d.realm_id, d.n::text, (d.n * 7 % :customers + 1)::text, 'Party ' || d.n * 7 % :customers + 1, 'D-' || d.n,
           seen::date, seen::date + 30, CASE WHEN d.n % 1000 = 0 THEN 'EUR' ELSE 'USD' END, (d.n * 37 % 100000) / 100.0`
  const raw = `jsonb_build_object('Id', d.n, 'Line', jsonb_build_array(jsonb_build_object('Id', '1', 'Amount', d.n % 1000,
               'Description', repeat('words of a line ', :lines))))`
  // A thousand rows a transaction, as a run writes them.
  const documents = `
    FROM (SELECT c.realm_id, n, seen, seen + (least(now(), seen + interval '90 days') - seen) * (n % 89) / 89.0 AS since,
                 (3 + row_number() OVER () / 1000 % 500)::text::xid8 AS tx
            FROM companies c
           CROSS JOIN generate_series(CAST(:from AS int) + 1, CAST(:from AS int) + CAST(:each AS int)) n
           CROSS JOIN LATERAL (SELECT now() - ${fill.since} * (1 - (n - :from)::float8 / :each) AS seen) s
           WHERE ${fill.companies}) d`
  const bindings = { from: fill.from, each: fill.each, customers: fill.customers, lines: fill.lines }
  await withoutTriggers(knex, 'invoices', () =>
    knex.raw(
      `INSERT INTO invoices (${columns})
       ${made}, CASE WHEN n % 8 = 0 THEN (n * 37 % 100000) / 100.0 + 1 ELSE 0 END, n % 2000 = 1, ${bookkeeping('since')},
              tx, ${raw}, since
       ${documents}`,
      bindings,
    ),
  )
  await withoutTriggers(knex, 'invoices_history', () =>
    knex.raw(
      `INSERT INTO invoices_history (${columns}, valid_to)
       ${made}, (n * 37 % 100000) / 100.0 + 1, false, ${bookkeeping('seen')}, tx, ${raw}, seen, since
       ${documents}
       WHERE since > seen`,
      bindings,
    ),
  )
}
