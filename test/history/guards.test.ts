import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  insertRecord,
  openHistory,
  REFUSED,
  TABLES,
  versionsOf,
  type TestHistory,
  type TestSession,
} from './open-history.ts'

let history: TestHistory

beforeAll(async () => {
  history = await openHistory()
  for (const table of TABLES) {
    await insertRecord(history, table)
    await history.run(`UPDATE ${table} SET raw = '{"changed":1}'`)
  }
})

afterAll(() => history.close())

/** Who asks, and in which mode: none of them may. */
const SESSIONS: Record<string, (session: TestSession) => Promise<unknown>> = {
  'the superuser who owns them': () => Promise.resolve(),
  'a session in replication mode': (session) => session.run('SET session_replication_role = replica'),
  'an owner who is no superuser': async (session) => {
    const owner = `owner_${session.pid}`
    await session.run(`CREATE ROLE ${owner}`)
    await session.run(`GRANT ALL ON SCHEMA public TO ${owner}`)
    for (const table of [...TABLES, ...TABLES.map((name) => `${name}_history`), 'purges', 'history_tables']) {
      await session.run(`ALTER TABLE ${table} OWNER TO ${owner}`)
    }
    await session.run(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${owner}`)
    await session.run(`SET LOCAL ROLE ${owner}`)
  },
}

const STATEMENTS: Record<string, (table: string) => string> = {
  'INSERT into history': (table) => `INSERT INTO ${table}_history SELECT * FROM ${table}_history`,
  'an upsert into history': (table) =>
    `INSERT INTO ${table}_history SELECT * FROM ${table}_history
       ON CONFLICT (realm_id, qbo_id, valid_from) DO UPDATE SET raw = '{}'`,
  'MERGE into history': (table) =>
    `MERGE INTO ${table}_history h USING (VALUES (1)) AS s (n) ON true WHEN MATCHED THEN UPDATE SET raw = '{}'`,
  'UPDATE of history': (table) => `UPDATE ${table}_history SET raw = '{}'`,
  'DELETE from history': (table) => `DELETE FROM ${table}_history`,
  'TRUNCATE of history': (table) => `TRUNCATE ${table}_history`,
  'DELETE of current records': (table) => `DELETE FROM ${table}`,
  'MERGE that deletes current records': (table) =>
    `MERGE INTO ${table} t USING (VALUES (1)) AS s (n) ON true WHEN MATCHED THEN DELETE`,
  'TRUNCATE of current records': (table) => `TRUNCATE ${table}`,
  'TRUNCATE of both': (table) => `TRUNCATE ${table}, ${table}_history CASCADE`,
}

describe.each(Object.entries(SESSIONS))('for %s', (_who, become) => {
  test.each(Object.entries(STATEMENTS))('%s is refused', async (_what, statement) => {
    const session = await history.connect()
    for (const table of TABLES) {
      const before = await versionsOf(history, table)
      expect(before).toHaveLength(2)
      await session.run('BEGIN')
      await become(session)
      await expect(session.run(statement(table))).rejects.toMatchObject(REFUSED)
      await session.run('ROLLBACK')
      await session.run('RESET session_replication_role')
      expect(await versionsOf(history, table)).toEqual(before)
    }
  })
})

test('COPY into history is refused', async () => {
  const columns = await history.run(
    `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS list FROM pg_attribute
      WHERE attrelid = 'bills_history'::regclass AND attnum > 0`,
  )
  await history.run(`CREATE TABLE copied AS SELECT * FROM bills_history`)
  const [path] = await history.run(`SELECT current_setting('data_directory') || '/copied' AS file`)
  await history.run(`COPY copied TO '${String(path!.file)}'`)
  await expect(
    history.run(`COPY bills_history (${String(columns[0]!.list)}) FROM '${String(path!.file)}'`),
  ).rejects.toMatchObject(REFUSED)
})

test('what was refused is told with the way to remove a whole company', async () => {
  await expect(history.run('DELETE FROM bills')).rejects.toMatchObject({
    message: 'DELETE on bills is refused: what the mirror ever held stays readable',
    hint: 'To remove a whole company use: SELECT purge_company(realm_id, reason)',
  })
})

test.each([
  'DELETE FROM history_tables',
  'TRUNCATE history_tables',
  `UPDATE history_tables SET table_name = 'x'`,
])('%s is refused: a purge must empty every one of them', async (statement) => {
  await expect(history.run(statement)).rejects.toMatchObject(REFUSED)
})
