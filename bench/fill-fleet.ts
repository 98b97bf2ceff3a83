import type { Database } from '../src/db/database.ts'
import { vacuumAll } from './vacuum.ts'

export interface FleetFill {
  readonly companies: number
  readonly runsEach: number
  readonly invoicesEach: number
  /** Of the first company alone. */
  readonly invoicesOfTheBiggest: number
}

export const BIGGEST_REALM = '4620816320000000001'

/**
 * Rows as a service of that size would hold after a while, written by SQL and not by syncing: for the statements
 * that go over all companies.
 */
export async function fillFleet({ knex }: Database, fill: FleetFill): Promise<void> {
  const bindings = { ...fill }
  await knex.raw(
    `INSERT INTO companies (realm_id, name, status, status_changed_at, next_sync_at, created_at, home_currency,
                            requested_seq, served_seq, last_success_at)
     SELECT ${realmOf('n')}, 'Company ' || n, 'active', now(), now(), now() - interval '90 days', 'USD', 5, 5, now()
       FROM generate_series(1, CAST(:companies AS int)) n`,
    bindings,
  )
  await knex.raw(
    `INSERT INTO connections (realm_id, environment, refresh_token_ciphertext, updated_at)
     SELECT realm_id, 'sandbox', repeat('x', 200), now() FROM companies`,
  )
  await knex.raw(
    `INSERT INTO sync_states (realm_id, entity, watermark, last_synced_at, mapping_version)
     SELECT realm_id, entity, now(), now(), 1
       FROM companies CROSS JOIN unnest(ARRAY['vendor', 'customer', 'balance', 'bill', 'invoice']) entity`,
  )
  await knex.raw(
    `INSERT INTO sync_runs (realm_id, trigger, mode, status, started_at, finished_at, served_request, requests,
                            metered_calls, changed, entities)
     SELECT realm_id, 'schedule', 'incremental', 'succeeded', now() - k * interval '15 minutes',
            now() - k * interval '15 minutes', k, 1, 1, k % 20 = 0, jsonb_build_object('bill', jsonb_build_object('fetched', 0))
       FROM generate_series(1, CAST(:runsEach AS int)) k CROSS JOIN companies`,
    bindings,
  )
  await knex.raw(
    `INSERT INTO quickbooks_calls (realm_id, day, operation, status, calls, metered_calls)
     SELECT realm_id, current_date - k, 'cdc', '200', 96, 96 FROM generate_series(0, 29) k CROSS JOIN companies`,
  )
  await knex.raw(
    `INSERT INTO metric_totals (metric, labels, total)
     SELECT 'ledger_quickbooks_metered_calls_total', jsonb_build_object('realm_id', realm_id), 96 FROM companies`,
  )
  await fillInvoices({ knex }, fill)
  await vacuumAll(knex)
}

async function fillInvoices({ knex }: Pick<Database, 'knex'>, fill: FleetFill): Promise<void> {
  await knex.raw(
    `INSERT INTO invoices (realm_id, qbo_id, customer_id, customer_name, doc_number, txn_date, due_date, currency,
                           total_amount, balance, voided, sync_token, source_created_at, source_updated_at,
                           source_valid_from, observed_at, last_synced_at, content_hash, mapping_version, sync_run_id, raw)
     SELECT ${realmOf('c')}, n::text, (n % 50)::text, 'Customer ' || n % 50, 'D-' || n, current_date - n % 700,
            current_date - n % 700 + 30, 'USD', n % 1000, CASE WHEN n % 5 = 0 THEN n % 1000 ELSE 0 END, false, '0',
            now(), now(), now(), now(), now(), md5(n::text), 1, 1, jsonb_build_object('Line', jsonb_build_array(repeat('x', 400)))
       FROM generate_series(1, CAST(:companies AS int)) c
      CROSS JOIN LATERAL generate_series(1, CASE WHEN c = 1 THEN CAST(:invoicesOfTheBiggest AS int) ELSE CAST(:invoicesEach AS int) END) n`,
    { ...fill },
  )
}

function realmOf(number: string): string {
  return `(4620816320000000000 + ${number})::text`
}
