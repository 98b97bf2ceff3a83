import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { connect } from '../src/db/connect.ts'
import { rowsOf } from '../src/db/database.ts'
import { startMirror, type TestMirror } from './setup/mirror.ts'
import { runProgram } from './setup/run-program.ts'

// Quotes and capitals: a name that would break a statement put together by hand.
const ROLE = `Reader "of" o'books ${process.pid}`
const RECORDS = ['bills', 'invoices', 'balances', 'vendors', 'customers']

let mirror: TestMirror
let reader: Knex

function grant(...args: string[]) {
  return runProgram(['src/grant-reader.ts', ...args], { DATABASE_URL: mirror.url })
}

beforeAll(async () => {
  mirror = await startMirror()
  await mirror.sync()
  const { knex } = mirror.database
  await knex.raw(`CREATE ROLE ?? LOGIN PASSWORD 'of-a-test'`, [ROLE])
  const url = new URL(mirror.url)
  url.username = encodeURIComponent(ROLE)
  url.password = 'of-a-test'
  reader = connect({
    url: url.toString(),
    tls: 'off',
    poolMax: 1,
    applicationName: 'test',
    statementTimeoutMs: null,
  })
})

afterAll(async () => {
  await reader.destroy()
  await mirror.database.knex.raw('DROP OWNED BY ??', [ROLE])
  await mirror.database.knex.raw('DROP ROLE ??', [ROLE])
  await mirror.close()
})

describe('npm run grant-reader', () => {
  test('gives what a reader of SQL needs, says what, and can be repeated', async () => {
    await expect(reader.raw('SELECT * FROM bills_current')).rejects.toThrow('permission denied')
    const first = await grant(ROLE)
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toContain(`${ROLE} may read:`)
    expect(first.stdout).toContain('After an upgrade run this again')
    expect(await grant(ROLE)).toEqual(first)
  })

  test.each([
    ...['bills', 'invoices', 'balances'].map((table) => `${table}_current`),
    ...RECORDS.map((table) => `${table}_versions`),
    ...['bills', 'invoices', 'balances'].map((table) => `${table}_as_of(now())`),
    ...['bills', 'invoices', 'balances'].map((table) => `${table}_source_as_of(now())`),
    'company_freshness',
  ])('every row of %s', async (relation) => {
    const count = `SELECT count(*)::int AS rows FROM ${relation}`
    const [asOwner] = await rowsOf<{ rows: number }>(mirror.database.knex, count)
    expect(asOwner!.rows).toBeGreaterThan(0)
    expect(await rowsOf(reader, count)).toEqual([asOwner])
  })

  test('what is open, and whether a moment is final', async () => {
    await reader.raw('SELECT * FROM open_items')
    await reader.raw('SELECT settled_before()')
    await reader.raw('SELECT r.trigger FROM bills_versions v JOIN sync_runs r ON r.id = v.sync_run_id')
    await reader.raw('SELECT name, tags FROM companies')
  })

  test.each([
    'SELECT * FROM connections',
    'SELECT refresh_token_ciphertext FROM connections',
    'SELECT * FROM companies',
    'SELECT payload FROM sync_rejects',
    'SELECT * FROM company_events',
    'SELECT * FROM console_sessions',
    'SELECT * FROM quickbooks_calls',
    `UPDATE bills SET balance = 0`,
    `DELETE FROM bills_history`,
    `SELECT purge_company('1', 'because')`,
  ])('and not: %s', async (statement) => {
    await expect(reader.raw(statement)).rejects.toThrow('permission denied')
  })

  test('says what is wrong', async () => {
    expect(await grant('nobody-like-that')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `There is no role "nobody-like-that" in this Postgres: CREATE ROLE … LOGIN PASSWORD '…' makes one\n`,
    })
    for (const args of [[], ['one', 'two']]) {
      const ended = await grant(...args)
      expect(ended).toMatchObject({ exitCode: 78, stdout: '' })
      expect(ended.stderr).toContain('npm run grant-reader -- ROLE')
    }
    const nowhere = await runProgram(['src/grant-reader.ts', 'x'], {})
    expect(nowhere.stderr).toContain('DATABASE_URL: must be set')
  })
})
