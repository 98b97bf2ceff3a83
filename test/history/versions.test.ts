import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  blocked,
  insertRecord,
  openHistory,
  REALM,
  TABLES,
  versionsOf,
  type TestHistory,
} from './open-history.ts'

const BOOKKEEPING = [
  'sync_token',
  'source_updated_at',
  'observed_at',
  'last_synced_at',
  'sync_run_id',
  'content_hash',
  'mapping_version',
]
const NOT_TO_BE_WRITTEN = ['realm_id', 'qbo_id', 'valid_from', 'previous_valid_from', 'tx_id']

/** Another value than the one a column holds, by its type. */
const OTHER_VALUE: Record<string, (column: string) => string> = {
  text: (column) => `coalesce(${column}, '') || '+'`,
  boolean: (column) => `NOT ${column}`,
  numeric: (column) => `coalesce(${column}, 0) + 0.01`,
  integer: (column) => `${column} + 1`,
  bigint: (column) => `${column} + 1`,
  date: (column) => `coalesce(${column}, '2026-01-01') + 1`,
  'timestamp with time zone': (column) => `coalesce(${column}, '2026-01-01') + interval '1 second'`,
  jsonb: (column) => `${column} || jsonb_build_object('n', ${column}->'n' IS NULL)`,
}

let history: TestHistory

beforeAll(async () => {
  history = await openHistory()
})

afterAll(() => history.close())

async function columnsOf(table: string): Promise<{ name: string; type: string }[]> {
  const rows = await history.run(
    `SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
    [table],
  )
  return rows as { name: string; type: string }[]
}

async function currentRow(table: string, qboId: string): Promise<Record<string, unknown>> {
  // Without the link to the version before, which history does not hold.
  const rows = await history.run(
    `SELECT to_jsonb(t) - 'previous_valid_from' AS row FROM ${table} t WHERE qbo_id = $1`,
    [qboId],
  )
  return rows[0]!.row as Record<string, unknown>
}

async function historyRows(table: string, qboId: string): Promise<Record<string, unknown>[]> {
  const rows = await history.run(
    `SELECT to_jsonb(h) AS row FROM ${table}_history h WHERE qbo_id = $1 ORDER BY valid_from`,
    [qboId],
  )
  return rows.map(({ row }) => row as Record<string, unknown>)
}

describe.each(TABLES)('the history of %s', (table) => {
  test('keeps the whole old version whenever any column of content changes', async () => {
    await insertRecord(history, table, { qbo_id: 'content' })
    const columns = (await columnsOf(table)).filter(
      ({ name }) => ![...BOOKKEEPING, ...NOT_TO_BE_WRITTEN].includes(name),
    )
    expect(columns.length).toBeGreaterThan(6)
    for (const [at, { name, type }] of columns.entries()) {
      const before = await currentRow(table, 'content')
      await history.run(`UPDATE ${table} SET ${name} = ${OTHER_VALUE[type]!(name)} WHERE qbo_id = 'content'`)
      const after = await currentRow(table, 'content')
      const kept = await historyRows(table, 'content')
      expect({ name, versions: kept.length }).toEqual({ name, versions: at + 1 })
      expect(kept.at(-1)).toEqual({ ...before, valid_to: after.valid_from })
      expect(after.tx_id).not.toBe(before.tx_id)
    }
  })

  test('gains nothing when bookkeeping alone changes', async () => {
    await insertRecord(history, table, { qbo_id: 'bookkeeping' })
    const { valid_from, tx_id } = await currentRow(table, 'bookkeeping')
    const types = new Map((await columnsOf(table)).map(({ name, type }) => [name, type]))
    const changes = BOOKKEEPING.map((name) => `${name} = ${OTHER_VALUE[types.get(name)!]!(name)}`)
    await history.run(`UPDATE ${table} SET ${changes.join(', ')} WHERE qbo_id = 'bookkeeping'`)
    expect(await currentRow(table, 'bookkeeping')).toMatchObject({
      sync_token: '0+',
      sync_run_id: 2,
      valid_from,
      tx_id,
    })
    expect(await historyRows(table, 'bookkeeping')).toEqual([])
  })

  test('lets no writer choose when a version begins or which transaction wrote it', async () => {
    const chosen = { valid_from: '1999-01-01T00:00:00Z', tx_id: '1' }
    await insertRecord(history, table, { qbo_id: 'chosen', ...chosen })
    const inserted = await currentRow(table, 'chosen')
    expect(inserted.valid_from).not.toContain('1999')
    expect(inserted.tx_id).not.toBe('1')

    await history.run(
      `UPDATE ${table} SET valid_from = '1999-01-01', tx_id = '1', last_synced_at = now() WHERE qbo_id = 'chosen'`,
    )
    expect(await currentRow(table, 'chosen')).toMatchObject({
      valid_from: inserted.valid_from,
      tx_id: inserted.tx_id,
    })

    await history.run(
      `UPDATE ${table} SET valid_from = '1999-01-01', tx_id = '1', raw = '{"other":1}' WHERE qbo_id = 'chosen'`,
    )
    const updated = await currentRow(table, 'chosen')
    expect(updated.valid_from! > inserted.valid_from!).toBe(true)
    expect(updated.tx_id).not.toBe('1')
  })

  test('never ends a period before it began, though the clock stepped back', async () => {
    await insertRecord(history, table, { qbo_id: 'clock' })
    await history.run(`ALTER TABLE ${table} DISABLE TRIGGER end_version`)
    await history.run(`UPDATE ${table} SET valid_from = '2999-01-01T00:00:00Z' WHERE qbo_id = 'clock'`)
    await history.run(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER end_version`)
    await history.run(`UPDATE ${table} SET raw = '{"second":1}' WHERE qbo_id = 'clock'`)
    await history.run(`UPDATE ${table} SET raw = '{"third":1}' WHERE qbo_id = 'clock'`)
    const periods = (await versionsOf(history, table)).filter(({ qbo_id }) => qbo_id === 'clock')
    expect(periods.map(({ valid_from, valid_to }) => [valid_from, valid_to])).toEqual([
      ['2999-01-01T00:00:00+00:00', '2999-01-01T00:00:00.000001+00:00'],
      ['2999-01-01T00:00:00.000001+00:00', '2999-01-01T00:00:00.000002+00:00'],
      ['2999-01-01T00:00:00.000002+00:00', null],
    ])
  })

  test('refuses another key for a record', async () => {
    await insertRecord(history, table, { qbo_id: 'key' })
    for (const change of [`qbo_id = 'other'`, `realm_id = '1'`]) {
      await expect(history.run(`UPDATE ${table} SET ${change} WHERE qbo_id = 'key'`)).rejects.toMatchObject({
        code: '42501',
        message: `the key of a record in ${table} cannot change`,
      })
    }
  })
})

describe('the history of several writers', () => {
  const DUE = `UPDATE bills SET due_date = coalesce(due_date, '2026-01-01') + 1 WHERE qbo_id = $1`

  async function expectJoined(qboId: string, versions: number): Promise<void> {
    const periods = await history.run(
      `SELECT valid_to > valid_from AS forward, valid_to = lead(valid_from) OVER (ORDER BY valid_from) AS joined,
              valid_to IS NULL AS open
         FROM bills_versions WHERE qbo_id = $1 ORDER BY valid_from`,
      [qboId],
    )
    expect(periods).toEqual([
      ...Array.from({ length: versions - 1 }, () => ({ forward: true, joined: true, open: false })),
      { forward: null, joined: null, open: true },
    ])
  }

  test('joins periods when the later writer began its transaction first', async () => {
    await insertRecord(history, 'bills', { qbo_id: 'early' })
    const early = await history.connect()
    await early.run('BEGIN')
    await early.run('SELECT now()')
    await history.run(DUE, ['early'])
    await early.run(DUE, ['early'])
    await early.run('COMMIT')
    await expectJoined('early', 3)
  })

  test('joins periods when one waits for the other', async () => {
    await insertRecord(history, 'bills', { qbo_id: 'waiting' })
    const [first, second] = [await history.connect(), await history.connect()]
    await second.run('BEGIN')
    await first.run('BEGIN')
    await first.run(DUE, ['waiting'])
    const waiting = second.run(DUE, ['waiting'])
    await blocked(history, second)
    await first.run(DUE, ['waiting'])
    await first.run('COMMIT')
    await waiting
    await second.run('COMMIT')
    // What the first one replaced of its own was never to be seen.
    await expectJoined('waiting', 3)
    const [row] = await history.run(`SELECT due_date::text AS due FROM bills WHERE qbo_id = 'waiting'`)
    expect(row).toEqual({ due: '2026-01-04' })
  })

  test('holds nothing of a transaction that was rolled back', async () => {
    await insertRecord(history, 'bills', { qbo_id: 'undone' })
    const session = await history.connect()
    await session.run('BEGIN')
    await session.run(DUE, ['undone'])
    await session.run('ROLLBACK')
    await expectJoined('undone', 1)
  })
})

describe('whatever way a writer takes', () => {
  const upsert = `INSERT INTO vendors (realm_id, qbo_id, display_name, active, source_updated_at, source_valid_from,
                    observed_at, last_synced_at, valid_from, content_hash, mapping_version, sync_run_id, tx_id, raw)
                  VALUES ('${REALM}', $1, $2, true, now(), now(), now(), now(), '1999-01-01', 'a', 1, 1, '1', '{}')
                  ON CONFLICT (realm_id, qbo_id) DO UPDATE
                    SET display_name = excluded.display_name, valid_from = excluded.valid_from, tx_id = excluded.tx_id`

  async function namesOf(qboId: string): Promise<unknown[]> {
    const rows = (await versionsOf(history, 'vendors')).filter((version) => version.qbo_id === qboId)
    expect(JSON.stringify(rows)).not.toContain('1999')
    return rows.map(({ display_name }) => display_name)
  }

  test('an upsert keeps what it replaces', async () => {
    for (const name of ['Old', 'Old', 'New']) await history.run(upsert, ['upsert', name])
    expect(await namesOf('upsert')).toEqual(['Old', 'New'])
  })

  test('MERGE keeps what it replaces', async () => {
    await insertRecord(history, 'vendors', { qbo_id: 'merge', display_name: 'Old' })
    await history.run(
      `MERGE INTO vendors t USING (VALUES ('merge', 'New')) AS s (qbo_id, name) ON t.qbo_id = s.qbo_id
        WHEN MATCHED THEN UPDATE SET display_name = s.name, valid_from = '1999-01-01'`,
    )
    expect(await namesOf('merge')).toEqual(['Old', 'New'])
  })

  test('a correction by hand is a version like any other', async () => {
    await insertRecord(history, 'vendors', { qbo_id: 'hand', display_name: 'Old' })
    await history.run(`UPDATE vendors SET display_name = 'New' WHERE qbo_id = 'hand'`)
    expect(await namesOf('hand')).toEqual(['Old', 'New'])
  })

  test('a session in replication mode keeps what it replaces', async () => {
    await insertRecord(history, 'vendors', { qbo_id: 'replica', display_name: 'Old' })
    const session = await history.connect()
    await session.run('SET session_replication_role = replica')
    await session.run(
      `UPDATE vendors SET display_name = 'New', valid_from = '1999-01-01' WHERE qbo_id = 'replica'`,
    )
    await session.run(upsert, ['replica', 'Newer'])
    await session.run(upsert, ['replica-new', 'First'])
    expect(await namesOf('replica')).toEqual(['Old', 'New', 'Newer'])
    expect(await namesOf('replica-new')).toEqual(['First'])
  })

  test('COPY cannot choose when a version begins', async () => {
    const row = [
      REALM,
      'copy',
      'Copied',
      't',
      '2026-01-01',
      '2026-01-01',
      '2026-01-01',
      '2026-01-01',
      '1999-01-01',
      'a',
      '1',
      '1',
      '1',
      '{}',
    ]
    await history.run(
      `COPY vendors (realm_id, qbo_id, display_name, active, source_updated_at, source_valid_from, observed_at,
         last_synced_at, valid_from, content_hash, mapping_version, sync_run_id, tx_id, raw)
       FROM PROGRAM 'echo "${row.join(';')}"' WITH (DELIMITER ';')`,
    )
    expect(await namesOf('copy')).toEqual(['Copied'])
  })

  test('a table of the session with the name of the history takes nothing from it', async () => {
    await insertRecord(history, 'vendors', { qbo_id: 'shadow', display_name: 'Old' })
    const session = await history.connect()
    await session.run('CREATE TEMP TABLE vendors_history (LIKE public.vendors_history)')
    await session.run(`UPDATE vendors SET display_name = 'New' WHERE qbo_id = 'shadow'`)
    expect(await session.run('SELECT * FROM pg_temp.vendors_history')).toEqual([])
    expect(await namesOf('shadow')).toEqual(['Old', 'New'])
  })

  test('an amount written with other digits is no other amount', async () => {
    await insertRecord(history, 'bills', { qbo_id: 'digits', balance: '250' })
    await history.run(`UPDATE bills SET balance = 250.00 WHERE qbo_id = 'digits'`)
    expect(await historyRows('bills', 'digits')).toEqual([])
  })
})
