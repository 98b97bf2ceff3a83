import type { Knex } from 'knex'

/** The moment at which the clock of these tests stands. */
export const NOW = new Date('2026-03-10T12:00:00.000Z')

export function secondsBefore(seconds: number): Date {
  return new Date(NOW.getTime() - seconds * 1000)
}

type Row = Record<string, unknown>

/** Rows as a run would leave them, each with only what a test cares about. */
export async function insertCompany(knex: Knex, realmId: string, row: Row = {}): Promise<void> {
  await knex('companies').insert({
    realm_id: realmId,
    name: `Company ${realmId}`,
    status_changed_at: secondsBefore(86_400),
    next_sync_at: secondsBefore(-600),
    created_at: secondsBefore(86_400),
    ...row,
  })
}

/** A company of which every entity was read, a day ago where `lastSyncedAt` says nothing else. */
export async function insertSyncedCompany(
  knex: Knex,
  realmId: string,
  row: Row = {},
  lastSyncedAt: Readonly<Record<string, Date>> = {},
): Promise<void> {
  await insertCompany(knex, realmId, row)
  for (const entity of ['vendor', 'customer', 'balance', 'bill', 'invoice']) {
    const at = lastSyncedAt[entity] ?? secondsBefore(80_000)
    await insertState(knex, realmId, entity, { watermark: at, last_synced_at: at })
  }
}

export async function insertState(knex: Knex, realmId: string, entity: string, row: Row = {}): Promise<void> {
  await knex('sync_states').insert({ realm_id: realmId, entity, ...row })
}

export async function insertRun(knex: Knex, realmId: string, row: Row = {}): Promise<number> {
  const [run] = await knex('sync_runs')
    .insert({
      realm_id: realmId,
      trigger: 'schedule',
      mode: 'incremental',
      status: 'succeeded',
      started_at: secondsBefore(60),
      finished_at: row['status'] === 'running' ? null : secondsBefore(58),
      served_request: 1,
      requests: 1,
      metered_calls: 1,
      ...row,
    })
    .returning<{ id: number }[]>('id')
  return run!.id
}

export async function insertReject(knex: Knex, realmId: string, row: Row = {}): Promise<void> {
  await knex('sync_rejects').insert({
    realm_id: realmId,
    entity: 'bill',
    qbo_id: '1',
    payload: '{"Id":"1"}',
    code: 'invalid_payload',
    reason: 'TotalAmt should be an amount',
    sync_run_id: 1,
    first_seen_at: secondsBefore(7200),
    last_seen_at: secondsBefore(3600),
    retry_at: secondsBefore(-3600),
    ...row,
  })
}

const BOOKKEEPING = {
  sync_token: '0',
  source_created_at: secondsBefore(90_000),
  source_updated_at: secondsBefore(80_000),
  source_valid_from: secondsBefore(80_000),
  observed_at: secondsBefore(70_000),
  last_synced_at: secondsBefore(70_000),
  content_hash: 'hash',
  mapping_version: 1,
  sync_run_id: 1,
}

export async function insertBill(knex: Knex, realmId: string, qboId: string, row: Row = {}): Promise<void> {
  await knex('bills').insert({
    realm_id: realmId,
    qbo_id: qboId,
    vendor_id: '56',
    vendor_name: 'Old Name',
    doc_number: `D-${qboId}`,
    txn_date: '2026-02-01',
    due_date: '2026-03-01',
    currency: 'USD',
    total_amount: '100.50',
    balance: '100.50',
    raw: '{}',
    ...BOOKKEEPING,
    ...row,
  })
}

export async function insertInvoice(
  knex: Knex,
  realmId: string,
  qboId: string,
  row: Row = {},
): Promise<void> {
  await knex('invoices').insert({
    realm_id: realmId,
    qbo_id: qboId,
    customer_id: '7',
    customer_name: 'Old Customer',
    doc_number: `I-${qboId}`,
    txn_date: '2026-02-01',
    due_date: '2026-03-01',
    currency: 'USD',
    total_amount: '75',
    balance: '75',
    voided: false,
    raw: '{}',
    ...BOOKKEEPING,
    ...row,
  })
}

export async function insertBalance(
  knex: Knex,
  realmId: string,
  qboId: string,
  row: Row = {},
): Promise<void> {
  await knex('balances').insert({
    realm_id: realmId,
    qbo_id: qboId,
    account_name: 'Checking',
    account_type: 'Bank',
    currency: 'USD',
    current_balance: '1201.00',
    active: true,
    raw: '{}',
    ...BOOKKEEPING,
    ...row,
  })
}

export async function insertVendor(knex: Knex, realmId: string, qboId: string, name: string): Promise<void> {
  await knex('vendors').insert({
    realm_id: realmId,
    qbo_id: qboId,
    display_name: name,
    active: true,
    raw: '{}',
    ...BOOKKEEPING,
  })
}

export async function insertCustomer(
  knex: Knex,
  realmId: string,
  qboId: string,
  name: string,
): Promise<void> {
  await knex('customers').insert({
    realm_id: realmId,
    qbo_id: qboId,
    display_name: name,
    active: true,
    raw: '{}',
    ...BOOKKEEPING,
  })
}
