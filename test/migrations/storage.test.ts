import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { rowsOf } from '../../src/db/database.ts'
import { openKnex } from '../setup/open-knex.ts'
import { createTestDatabase, type TestDatabase } from '../setup/test-database.ts'

let database: TestDatabase
let knex: Knex

beforeAll(async () => {
  database = await createTestDatabase()
  knex = openKnex(database.url)
})

afterAll(async () => {
  await knex.destroy()
  await database.drop()
})

async function updates(table: string): Promise<{ all: number; hot: number }> {
  await knex.raw('SELECT pg_stat_force_next_flush()')
  const [row] = await rowsOf<{ all: number; hot: number }>(
    knex,
    `SELECT n_tup_upd AS all, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = ?`,
    [table],
  )
  return row!
}

test('a touch finds room beside the row, so that no index is written', async () => {
  await knex.raw(`
    INSERT INTO bills (realm_id, qbo_id, vendor_id, doc_number, txn_date, due_date, total_amount, balance, sync_token,
                       source_updated_at, source_valid_from, observed_at, last_synced_at, content_hash, mapping_version,
                       sync_run_id, raw)
    SELECT '1', n::text, '7', 'D-' || n, '2026-01-01', '2026-02-01', n, n, '0', now(), now(), now(), now(), 'x', 1, 1,
           jsonb_build_object('Line', (SELECT string_agg(md5(k::text), '') FROM generate_series(1, 20 + n % 10) k))
      FROM generate_series(1, 2000) n`)
  await knex.raw(`
    UPDATE bills
       SET sync_token = '1', source_updated_at = now(), observed_at = now(), last_synced_at = now(), sync_run_id = 2
     WHERE hashint4(qbo_id::int) % 20 = 0`)
  const { all, hot } = await updates('bills')
  expect(all).toBeGreaterThan(50)
  expect(hot / all).toBeGreaterThan(0.8)
})

test.each(['bills', 'invoices', 'balances', 'vendors', 'customers', 'sync_runs', 'quickbooks_calls'])(
  'of %s a twentieth may be dead before a vacuum comes, however big it is',
  async (table) => {
    const [row] = await rowsOf<{ options: string[] }>(
      knex,
      'SELECT reloptions AS options FROM pg_class WHERE oid = CAST(? AS regclass)',
      [table],
    )
    expect(row!.options).toContain('autovacuum_vacuum_scale_factor=0.05')
  },
)
