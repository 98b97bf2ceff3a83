import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import {
  insertRecord,
  openHistory,
  OTHER_REALM,
  REALM,
  versionsOf,
  type TestHistory,
  type TestSession,
} from './open-history.ts'

/**
 * What an owner of the tables could try who sends DML and makes temporary objects, and nothing that changes the schema.
 * Whether a statement or the commit fails: afterwards every version is there that was there, and none beside it.
 */

let history: TestHistory
let session: TestSession

beforeAll(async () => {
  history = await openHistory()
  for (const realmId of [REALM, OTHER_REALM]) {
    await history.run(
      `INSERT INTO companies (realm_id, status, status_changed_at, next_sync_at, created_at)
       VALUES ($1, 'active', now(), now(), now())`,
      [realmId],
    )
    for (const qboId of ['1', '2']) await insertRecord(history, 'bills', { realm_id: realmId, qbo_id: qboId })
    await history.run(`UPDATE bills SET private_note = 'second' WHERE realm_id = $1`, [realmId])
  }
  session = await history.connect()
})

// Also after a failure: an open transaction would hold the tables that the next test reads.
afterEach(() => session.run('ROLLBACK'))

afterAll(() => history.close())

/** Begins a transaction as a role that owns everything and is no superuser, and that goes with the transaction. */
async function beginAsOwner(): Promise<void> {
  const owner = `owner_${session.pid}`
  await session.run('BEGIN')
  await session.run(`CREATE ROLE ${owner}`)
  await session.run(`GRANT USAGE ON SCHEMA public TO ${owner}`)
  await session.run(
    `DO $$
     DECLARE
       relation regclass;
     BEGIN
       FOR relation IN SELECT oid FROM pg_class
                        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') LOOP
         EXECUTE format('ALTER TABLE %s OWNER TO ${owner}', relation);
       END LOOP;
     END $$`,
  )
  await session.run(`SET LOCAL ROLE ${owner}`)
}

/** Every version of both companies' bills, as of now. */
async function everything(): Promise<unknown[]> {
  return [
    ...(await versionsOf(history, 'bills', REALM)),
    ...(await versionsOf(history, 'bills', OTHER_REALM)),
  ]
}

const FORGED = `(SELECT h FROM bills_history h WHERE realm_id = '${REALM}' AND qbo_id = '1' LIMIT 1)`

/** A history row like the given, with other words: written by a trigger of a temporary table, two calls deep. */
const TRIGGER_OF_TEMPORARY_TABLE = `
  CREATE TEMP TABLE wishes (row bills_history);
  CREATE FUNCTION pg_temp.grant_wish() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO bills_history SELECT (NEW.row).*;
    RETURN NEW;
  END $$;
  CREATE TRIGGER granted BEFORE INSERT ON wishes FOR EACH ROW EXECUTE FUNCTION pg_temp.grant_wish();`

const wish = (change: string) =>
  `INSERT INTO wishes SELECT jsonb_populate_record(${FORGED}, jsonb_build_object(${change}))`

const BEGUN_LONG_AGO = `'valid_from', '1999-01-01', 'valid_to', '1999-02-01'`
const AS_IF_ENDED = `'valid_from', (SELECT valid_from FROM bills WHERE realm_id = '${REALM}' AND qbo_id = '1'),
                     'valid_to', clock_timestamp()`

const FORGERIES: Record<string, string> = {
  'a history row of a trigger of its own': `${TRIGGER_OF_TEMPORARY_TABLE} ${wish(BEGUN_LONG_AGO)}`,
  'a true copy of the current row, which is not ended': `${TRIGGER_OF_TEMPORARY_TABLE}
    ${wish(AS_IF_ENDED)}`,
  'a history row that ends where the current one begins': `${TRIGGER_OF_TEMPORARY_TABLE}
    UPDATE bills SET private_note = 'third' WHERE realm_id = '${REALM}' AND qbo_id = '1';
    ${wish(`'valid_from', '1999-01-01',
            'valid_to', (SELECT valid_from FROM bills WHERE realm_id = '${REALM}' AND qbo_id = '1')`)}`,
  'other words in the place of the version that it ends in the same statement': `${TRIGGER_OF_TEMPORARY_TABLE}
    WITH ended AS (
      UPDATE bills SET private_note = 'third' WHERE realm_id = '${REALM}' AND qbo_id = '1' RETURNING *
    )
    INSERT INTO wishes SELECT jsonb_populate_record(${FORGED}, jsonb_build_object(
      'private_note', 'never said', 'valid_from', previous_valid_from, 'valid_to', valid_from)) FROM ended`,
  'a past for a record that it has just made': `${TRIGGER_OF_TEMPORARY_TABLE}
    INSERT INTO bills SELECT (jsonb_populate_record(b, '{"qbo_id": "new"}')).* FROM bills b
     WHERE realm_id = '${REALM}' AND qbo_id = '1';
    ${wish(`'qbo_id', 'new', 'valid_from', '1999-01-01',
            'valid_to', (SELECT valid_from FROM bills WHERE realm_id = '${REALM}' AND qbo_id = 'new')`)}`,
  'our own trigger on a table of its own': `
    CREATE TEMP TABLE bills (LIKE public.bills);
    CREATE TRIGGER end_version BEFORE UPDATE ON pg_temp.bills FOR EACH ROW EXECUTE FUNCTION public.bills_end_version();
    CREATE TRIGGER keep_ended AFTER UPDATE ON pg_temp.bills REFERENCING OLD TABLE AS replaced
      FOR EACH STATEMENT EXECUTE FUNCTION public.bills_keep_ended();
    INSERT INTO pg_temp.bills SELECT * FROM public.bills;
    UPDATE public.bills SET private_note = 'third';
    UPDATE pg_temp.bills SET private_note = 'never said'`,
  'a current row of a table hung under ours': `${TRIGGER_OF_TEMPORARY_TABLE}
    CREATE TEMP TABLE hung () INHERITS (public.bills);
    INSERT INTO hung SELECT (jsonb_populate_record(NULL::hung, to_jsonb(b) || jsonb_build_object(
      'previous_valid_from', '1999-01-01', 'valid_from', '1999-02-01', 'tx_id', pg_current_xact_id()::text))).*
      FROM ONLY public.bills b WHERE realm_id = '${REALM}' AND qbo_id = '1';
    ${wish(BEGUN_LONG_AGO)}`,
  'a changed row of a table hung under ours': `
    CREATE TEMP TABLE hung () INHERITS (public.bills);
    INSERT INTO hung SELECT (jsonb_populate_record(NULL::hung, to_jsonb(b) || jsonb_build_object(
      'valid_from', '1999-01-01', 'private_note', 'never said', 'tx_id', '3'))).*
      FROM ONLY public.bills b WHERE realm_id = '${REALM}' AND qbo_id = '1';
    UPDATE public.bills SET total_amount = 5 WHERE realm_id = '${REALM}' AND qbo_id = '1'`,
  'a moment of a table hung under ours': `
    CREATE TEMP TABLE hung () INHERITS (public.transaction_moments);
    INSERT INTO hung VALUES (pg_current_xact_id(), '1999-01-01');
    UPDATE bills SET private_note = set_config('ledger_mirror.moment', '1999-01-01T00:00:00Z', true)`,
  'a view of its own on history': `
    CREATE TEMP VIEW seen AS SELECT * FROM bills_history;
    UPDATE seen SET private_note = 'never said'`,
  'a cursor on history': `
    DO $$
    DECLARE
      here CURSOR FOR SELECT * FROM bills_history FOR UPDATE;
    BEGIN
      OPEN here;
      MOVE here;
      UPDATE bills_history SET private_note = 'never said' WHERE CURRENT OF here;
    END $$`,
  'a link to another version before': `${TRIGGER_OF_TEMPORARY_TABLE}
    UPDATE bills SET private_note = 'third', previous_valid_from = '1999-01-01', valid_from = '1999-02-01',
                     tx_id = '3' WHERE realm_id = '${REALM}' AND qbo_id = '1';
    ${wish(BEGUN_LONG_AGO)}`,
}

describe('history cannot be added to by', () => {
  test.each(Object.entries(FORGERIES))('%s', async (_what, statements) => {
    const before = await everything()
    await beginAsOwner()
    // 42501 is the guards' refusal, 23505 that of the place which the true version takes.
    await expect(session.run(statements)).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|23505)$/),
    })
    await session.run('ROLLBACK')
    expect(await everything()).toEqual(before)
  })
})

const RECORD_PURGE = `INSERT INTO purges (realm_id, reason) VALUES ('${REALM}', 'because it suits the owner');`
const DISCONNECT = `UPDATE companies SET status = 'disconnected' WHERE realm_id = '${REALM}';`
const SAVE_ALL = `CREATE TEMP TABLE saved AS SELECT * FROM bills WHERE realm_id = '${REALM}';`
const DELETE_ALL = `DELETE FROM bills WHERE realm_id = '${REALM}'; DELETE FROM bills_history WHERE realm_id = '${REALM}';`
const CHECK_NOW = `SET CONSTRAINTS ALL IMMEDIATE;`
const COLUMNS = `realm_id, qbo_id, txn_date, total_amount, balance, source_updated_at, source_valid_from, observed_at,
  last_synced_at, content_hash, mapping_version, sync_run_id, raw`
const PUT_BACK = `INSERT INTO bills (${COLUMNS}) SELECT ${COLUMNS} FROM saved;`

const HALF_PURGES: Record<string, string> = {
  'a purge that is checked early, and other records after it': `
    ${DISCONNECT} ${SAVE_ALL} ${RECORD_PURGE} ${DELETE_ALL} ${CHECK_NOW} ${PUT_BACK}`,
  'a purge that is checked while it still holds nothing, within one statement': `
    ${DISCONNECT} ${SAVE_ALL}
    CREATE FUNCTION pg_temp.purge() RETURNS text LANGUAGE plpgsql AS $$
    BEGIN ${RECORD_PURGE} ${DELETE_ALL} ${CHECK_NOW} RETURN 'x'; END $$;
    INSERT INTO bills (${COLUMNS})
      SELECT ${COLUMNS.replace('content_hash', `CASE qbo_id WHEN '1' THEN pg_temp.purge() ELSE 'x' END`)} FROM saved;`,
  'records put in before the check': `${DISCONNECT} ${SAVE_ALL} ${RECORD_PURGE} ${DELETE_ALL} ${PUT_BACK}`,
  'records merged in after the check': `
    ${DISCONNECT} ${SAVE_ALL} ${RECORD_PURGE} ${DELETE_ALL} ${CHECK_NOW}
    MERGE INTO bills t USING saved s ON t.qbo_id = s.qbo_id AND t.realm_id = s.realm_id
      WHEN NOT MATCHED THEN INSERT (${COLUMNS}) VALUES (${COLUMNS.replaceAll(/\w+/g, 's.$&')});`,
  'a purge of half of it': `${DISCONNECT} ${RECORD_PURGE} DELETE FROM bills_history WHERE realm_id = '${REALM}'; ${CHECK_NOW}`,
  'a purge of a table hung under ours': `
    CREATE TEMP TABLE hung () INHERITS (public.purges);
    INSERT INTO hung (id, realm_id, reason, purged_by, purged_at, tx_id)
      VALUES (1, '${REALM}', 'because it suits me', 'me', now(), pg_current_xact_id());
    DELETE FROM bills_history WHERE realm_id = '${REALM}';`,
  'a company of a table hung under ours': `
    CREATE TEMP TABLE hung () INHERITS (public.companies);
    INSERT INTO hung (realm_id, status, status_changed_at, next_sync_at, created_at)
      VALUES ('${REALM}', 'disconnected', now(), now(), now());
    ${RECORD_PURGE} ${DELETE_ALL}`,
  'a purge that says it is still open': `
    ${DISCONNECT} ${RECORD_PURGE} ${DELETE_ALL} ${CHECK_NOW} UPDATE purges SET emptied_at = NULL;`,
  'a purge that says it is over': `
    ${DISCONNECT} ${RECORD_PURGE} UPDATE purges SET emptied_at = now(); ${DELETE_ALL}`,
  'a purge of another company': `
    ${DISCONNECT} ${RECORD_PURGE} UPDATE purges SET realm_id = '${OTHER_REALM}', emptied_at = now();`,
}

describe('history cannot be taken from by', () => {
  test.each(Object.entries(HALF_PURGES))('%s', async (_what, statements) => {
    const before = await everything()
    await beginAsOwner()
    const attack = session.run(statements).then(() => session.run('COMMIT'))
    await expect(attack).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|P0001)$/) })
    await session.run('ROLLBACK')
    expect(await everything()).toEqual(before)
  })

  test('a purge that waits for what another session writes, and deletes a part of that', async () => {
    await session.run('BEGIN')
    await session.run(`${DISCONNECT} ${RECORD_PURGE} ${DELETE_ALL} ${CHECK_NOW}`)
    await insertRecord(history, 'bills', { qbo_id: 'late' })
    await history.run(`UPDATE bills SET private_note = 'second' WHERE qbo_id = 'late'`)
    await expect(session.run(`DELETE FROM bills_history WHERE qbo_id = 'late'`)).rejects.toMatchObject({
      code: '42501',
    })
    await session.run('ROLLBACK')
  })
})

test('a whole purge may be checked early: it is one all the same', async () => {
  await session.run(`BEGIN; ${DISCONNECT} ${RECORD_PURGE} ${DELETE_ALL} ${CHECK_NOW} COMMIT`)
  expect(await versionsOf(history, 'bills', REALM)).toEqual([])
  expect(await history.run('SELECT emptied_at IS NOT NULL AS emptied FROM purges')).toEqual([
    { emptied: true },
  ])
})
