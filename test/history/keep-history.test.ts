import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { insertRecord, openHistory, REALM, REFUSED, versionsOf, type TestHistory } from './open-history.ts'

let history: TestHistory

beforeAll(async () => {
  history = await openHistory()
  // All that a migration for one more entity does.
  await history.run(`
    CREATE TABLE payments (
      realm_id text NOT NULL, qbo_id text NOT NULL, PRIMARY KEY (realm_id, qbo_id),
      total_amount numeric NOT NULL DEFAULT 0,
      sync_token text, source_created_at timestamptz, source_updated_at timestamptz NOT NULL,
      source_valid_from timestamptz NOT NULL, observed_at timestamptz NOT NULL, last_synced_at timestamptz NOT NULL,
      deleted_at timestamptz, valid_from timestamptz NOT NULL, content_hash text NOT NULL,
      mapping_version integer NOT NULL, sync_run_id bigint NOT NULL, tx_id xid8 NOT NULL, raw jsonb NOT NULL
    );
    SELECT keep_history('payments');
  `)
})

afterAll(() => history.close())

describe('a table of one more entity', () => {
  test('has its history by keep_history alone', async () => {
    await insertRecord(history, 'payments')
    await history.run('UPDATE payments SET total_amount = 5')
    expect(await versionsOf(history, 'payments')).toMatchObject([
      { total_amount: 0, valid_to: expect.any(String) },
      { total_amount: 5, valid_to: null },
    ])
    for (const statement of [
      'DELETE FROM payments',
      'TRUNCATE payments',
      'DELETE FROM payments_history',
      'INSERT INTO payments_history SELECT * FROM payments_history',
    ]) {
      await expect(history.run(statement)).rejects.toMatchObject(REFUSED)
    }
  })

  test('keeps the history of columns that came later, once keep_history was called again', async () => {
    await insertRecord(history, 'payments', { qbo_id: '2' })
    await history.run(
      `ALTER TABLE payments ADD COLUMN memo text, ADD COLUMN method text NOT NULL DEFAULT 'cash'`,
    )
    await history.run(`SELECT keep_history('payments')`)
    await history.run(`UPDATE payments SET total_amount = 6 WHERE qbo_id = '2'`)
    await history.run(`UPDATE payments SET memo = 'first' WHERE qbo_id = '2'`)
    await history.run(`UPDATE payments SET method = 'card' WHERE qbo_id = '2'`)
    const versions = (await versionsOf(history, 'payments')).filter(({ qbo_id }) => qbo_id === '2')
    expect(versions).toMatchObject([
      { total_amount: 0, memo: null, method: 'cash' },
      { total_amount: 6, memo: null, method: 'cash' },
      { total_amount: 6, memo: 'first', method: 'cash' },
      { total_amount: 6, memo: 'first', method: 'card', valid_to: null },
    ])
  })

  test('shows in older versions that a later column was not known', async () => {
    const [oldest] = await versionsOf(history, 'payments')
    expect(oldest).toMatchObject({ memo: null, method: null })
  })

  test('may have a column that Postgres generates: it makes no version of its own', async () => {
    await insertRecord(history, 'payments', { qbo_id: '3' })
    await history.run(
      'ALTER TABLE payments ADD COLUMN doubled numeric GENERATED ALWAYS AS (total_amount * 2) STORED',
    )
    await history.run(`SELECT keep_history('payments')`)
    await history.run(`UPDATE payments SET sync_token = '9' WHERE qbo_id = '3'`)
    await history.run(`UPDATE payments SET total_amount = 4 WHERE qbo_id = '3'`)
    const versions = (await versionsOf(history, 'payments')).filter(({ qbo_id }) => qbo_id === '3')
    expect(versions).toMatchObject([{ doubled: 0 }, { doubled: 8 }])
  })

  test('is purged with its company', async () => {
    await history.run(
      `INSERT INTO companies (realm_id, status, status_changed_at, next_sync_at, created_at)
       VALUES ($1, 'disconnected', now(), now(), now())`,
      [REALM],
    )
    await history.run('SELECT purge_company($1, $2)', [REALM, 'the end of the engagement'])
    expect(await versionsOf(history, 'payments')).toEqual([])
  })
})
