import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { connect, connectionOf } from '../../src/db/connect.ts'
import { rowsOf } from '../../src/db/database.ts'
import { createBoss } from '../../src/jobs/boss.ts'
import { createLog } from '../../src/log.ts'
import { runProgram } from '../setup/run-program.ts'
import { createEmptyDatabase, withDatabase, type TestDatabase } from '../setup/test-database.ts'

/** Each a value that another program on the same server may want, and that would break ours. */
const HOSTILE: Record<string, string> = {
  search_path: 'other, pg_temp, public',
  DateStyle: `'German, DMY'`,
  IntervalStyle: `'iso_8601'`,
  TimeZone: `'Pacific/Kiritimati'`,
  bytea_output: 'escape',
  extra_float_digits: '-15',
  standard_conforming_strings: 'off',
  array_nulls: 'off',
  transform_null_equals: 'on',
  default_transaction_isolation: 'serializable',
  statement_timeout: '7',
  lock_timeout: '7',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '7',
}

const OURS: Record<string, string> = {
  search_path: 'public, pg_temp',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  default_transaction_isolation: 'read committed',
  statement_timeout: '0',
  lock_timeout: '0',
  // A process that is paused in a transaction must let its locks go.
  idle_in_transaction_session_timeout: '30s',
  idle_session_timeout: '0',
  client_encoding: 'UTF8',
}

let database: TestDatabase
let admin: pg.Client
let role: string
/** The database's address for a role of its own, which is no superuser. */
let url: string

beforeEach(async () => {
  database = await createEmptyDatabase()
  admin = new pg.Client({ connectionString: withDatabase(database.url, 'postgres') })
  await admin.connect()
  const address = new URL(database.url)
  const name = address.pathname.slice(1)
  role = `role_of_${name}`
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'of-a-test'`)
  await admin.query(`ALTER DATABASE ${name} OWNER TO ${role}`)
  for (const [setting, value] of Object.entries(HOSTILE)) {
    await admin.query(`ALTER DATABASE ${name} SET ${setting} = ${value}`)
    await admin.query(`ALTER ROLE ${role} SET ${setting} = ${value}`)
  }
  address.username = role
  address.password = 'of-a-test'
  url = address.toString()
})

afterEach(async () => {
  await database.drop()
  await admin.query(`DROP ROLE ${role}`)
  await admin.end()
})

const SHOW = `SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name`

function shown(rows: readonly { name: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}

function openKnex(statementTimeoutMs: number | null) {
  return connect({ url, tls: 'off', poolMax: 2, applicationName: 'test', statementTimeoutMs })
}

describe('a session', () => {
  test('of the pool has our settings, whatever the database and the role say', async () => {
    for (const statementTimeoutMs of [null, 20_000]) {
      const knex = openKnex(statementTimeoutMs)
      const rows = await rowsOf<{ name: string; value: string }>(knex, SHOW.replace('$1', '?'), [
        Object.keys(OURS),
      ])
      expect(shown(rows)).toEqual({ ...OURS, ...(statementTimeoutMs && { statement_timeout: '20s' }) })
      await knex.destroy()
    }
  })

  test('of the queue has them as well', async () => {
    const boss = createBoss({
      connection: connectionOf(url, 'off'),
      applicationName: 'test',
      schedules: false,
      works: false,
      migrates: true,
      log: createLog({ level: 'error', format: 'pretty', secrets: () => [] }),
    })
    await boss.start()
    const { rows } = await boss.getDb().executeSql(SHOW, [Object.keys(OURS)])
    await boss.stop({ graceful: false })
    expect(shown(rows as { name: string; value: string }[])).toEqual(OURS)
  })

  test('keeps the options of the address, where they are not ours', async () => {
    const given = new URL(url)
    given.searchParams.set('options', '-c work_mem=9MB -c TimeZone=Asia/Tokyo')
    const client = new pg.Client(connectionOf(given.toString(), 'off'))
    await client.connect()
    const { rows } = await client.query<{ name: string; value: string }>(SHOW, [['work_mem', 'TimeZone']])
    await client.end()
    expect(shown(rows)).toEqual({ work_mem: '9MB', TimeZone: 'UTC' })
  })
})

describe('npm run migrate', () => {
  test('fills schema public, though the role has a schema of its own name', async () => {
    const own = openKnex(null)
    await own.raw(`CREATE SCHEMA ${role}`)
    await admin.query(`ALTER ROLE ${role} SET search_path = "$user", public`)
    expect(await runProgram(['src/migrate.ts'], { DATABASE_URL: url })).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringContaining('Applied:'),
    })
    expect(await runProgram(['src/migrate.ts'], { DATABASE_URL: url })).toMatchObject({
      exitCode: 0,
      stdout: 'The schema is current.\nThe queue is current.\n',
    })
    expect(
      await rowsOf(
        own,
        `SELECT DISTINCT schemaname::text AS schema FROM pg_tables WHERE tableowner = ? ORDER BY 1`,
        [role],
      ),
    ).toEqual([{ schema: 'pgboss' }, { schema: 'public' }])
    await own.destroy()
  })

  test('says in one sentence that it may not make tables in schema public', async () => {
    await admin.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} OWNER TO CURRENT_USER`)
    expect(await runProgram(['src/migrate.ts'], { DATABASE_URL: url })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `The role ${role} may not create tables in schema public: GRANT CREATE, USAGE ON SCHEMA public TO ${role}\n`,
    })
  })

  test('says in one sentence that there is no schema public', async () => {
    const own = openKnex(null)
    await own.raw('DROP SCHEMA public')
    await own.destroy()
    expect(await runProgram(['src/migrate.ts'], { DATABASE_URL: url })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'There is no schema public in the database, and all tables go there: CREATE SCHEMA public\n',
    })
  })

  test('refuses in one sentence a database that is not encoded in UTF-8', async () => {
    const latin = `latin_${role}`
    await admin.query(
      `CREATE DATABASE ${latin} OWNER ${role} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'`,
    )
    const ended = await runProgram(['src/migrate.ts'], { DATABASE_URL: withDatabase(url, latin) })
    await admin.query(`DROP DATABASE ${latin}`)
    expect(ended).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `The database ${latin} is encoded in LATIN1: make one with ENCODING 'UTF8' and set DATABASE_URL to it\n`,
    })
  })
})
