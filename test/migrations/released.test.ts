import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { MIGRATIONS_DIRECTORY, migrateToLatest } from '../../src/db/migrate.ts'
import type { TestDatabase } from '../setup/test-database.ts'
import { readReleases, type Release } from './releases.ts'
import { createLivedDatabase, upgradeCopy, upgradeUnder } from './upgrade.ts'

const releases = await readReleases()

describe.each(releases)('release $version', (release) => {
  test('still has its migrations, not a character changed, and none came between them', async () => {
    const files = (await readdir(MIGRATIONS_DIRECTORY)).sort()
    const had = Object.keys(release.migrations).sort()
    expect(files.slice(0, had.length)).toEqual(had)
    for (const name of had) {
      const text = await readFile(join(MIGRATIONS_DIRECTORY, name))
      expect({ name, sha256: createHash('sha256').update(text).digest('hex') }).toEqual({
        name,
        sha256: release.migrations[name],
      })
    }
  })

  test('is recorded on either side of an upgrade', () => {
    const [before, after] = release.recording
    expect(before.length).toBeGreaterThan(1000)
    expect(new Set(after.map(({ text }) => text)).size).toBeGreaterThan(100)
  })

  test('upgraded under its feet keeps every row and version, and its code goes on as before', async () => {
    await upgradeUnder(release, migrateToLatest)
  })
})

describe('an upgrade that', () => {
  let release: Release
  let lived: TestDatabase

  beforeAll(async () => {
    release = releases[0]!
    lived = await createLivedDatabase(release)
  })

  afterAll(() => lived.drop())

  const upgradeWith = (sql: string) =>
    upgradeCopy(lived, release, async (knex: Knex) => {
      await knex.raw(sql)
    })

  test('changes nothing that was there is let through', async () => {
    await upgradeWith(`
      ALTER TABLE bills ADD COLUMN approved_at timestamptz;
      ALTER TABLE bills_history ADD COLUMN approved_at timestamptz;
      SELECT keep_history('bills');
      ALTER TABLE companies ADD COLUMN accountant text;
      CREATE INDEX bills_by_vendor ON bills (realm_id, vendor_id);
      CREATE TABLE exchange_rates (currency text PRIMARY KEY, rate numeric);`)
  })

  test.each([
    [
      'drops a column',
      'ALTER TABLE companies DROP COLUMN not_before_code',
      /the answer lacks not_before_code/,
    ],
    ['renames a table', 'ALTER TABLE tombstones RENAME TO buried_records', /42P01 relation "tombstones"/],
    [
      'wants what old code does not write',
      `ALTER TABLE sync_runs ADD COLUMN process text NOT NULL DEFAULT 'old';
       ALTER TABLE sync_runs ALTER COLUMN process DROP DEFAULT`,
      /23502 null value in column "process"/,
    ],
    [
      'forbids what old code writes',
      `ALTER TABLE sync_runs ADD CHECK (status <> 'abandoned') NOT VALID`,
      /23514 new row for relation "sync_runs" violates check/,
    ],
    [
      'changes a type',
      'ALTER TABLE quickbooks_calls ALTER COLUMN calls TYPE text',
      /42883 operator does not exist|42804 column "calls"/,
    ],
    [
      'changes what old code reads',
      `UPDATE metric_totals SET total = total + 1 WHERE metric = 'ledger_sync_runs_total'`,
      /row \d+:\n {2}expected .*ledger_sync_runs_total/,
    ],
    [
      'takes requests from old code',
      'UPDATE companies SET served_seq = requested_seq, requested_seq = requested_seq + 1',
      /expected .*got/s,
    ],
    [
      'refuses what was allowed',
      `CREATE OR REPLACE FUNCTION purge_company(the_realm_id text, the_reason text) RETURNS void LANGUAGE sql
       AS 'SELECT 1 / 0'`,
      /22012 division by zero/,
    ],
    [
      'rewrites history',
      `ALTER TABLE bills_history DISABLE TRIGGER guard_update;
       UPDATE bills_history SET private_note = 'never said';
       ALTER TABLE bills_history ENABLE ALWAYS TRIGGER guard_update`,
      /bills_history of \d+: private_note was .* and is "never said"/,
    ],
    [
      'forgets history',
      `ALTER TABLE invoices_history DISABLE TRIGGER guard_delete;
       DELETE FROM invoices_history;
       ALTER TABLE invoices_history ENABLE ALWAYS TRIGGER guard_delete`,
      /invoices_history held \d+ rows, and after the upgrade 0/,
    ],
    [
      'gives every record a version that QuickBooks never had',
      `UPDATE vendors SET display_name = upper(display_name)`,
      /vendors of \d+: \w+ was .* and is/,
    ],
    [
      'no longer keeps history',
      `ALTER TABLE bills DISABLE TRIGGER end_version`,
      /bills_versions|row \d+:|expected \d+ rows/,
    ],
  ])('%s is caught', async (_, sql, complaint) => {
    await expect(upgradeWith(sql)).rejects.toThrow(complaint)
  })
})
