import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { rowsOf } from '../src/db/database.ts'
import { runProgram } from './setup/run-program.ts'
import { createTestDatabase, type TestDatabase } from './setup/test-database.ts'
import { insertSyncedCompany } from './http/rows.ts'
import { openKnex } from './setup/open-knex.ts'

let database: TestDatabase
let owner: Knex
let reader: Knex
// Roles belong to the whole server: their names carry the database's, and quotes, which somebody's name may have.
let role: string
let second: string

beforeAll(async () => {
  database = await createTestDatabase()
  const suffix = new URL(database.url).pathname.slice(1)
  role = `Reader "?" o'${suffix}`
  second = `operator_of_${suffix}`
  owner = open(database.url)
  await owner.raw(`CREATE ROLE ${quoted(role)} LOGIN PASSWORD 'of-a-test'`.replaceAll('?', '\\?'))
  await owner.raw(`CREATE ROLE ${second} SUPERUSER`)
  await insertSyncedCompany(owner, '1')
  const url = new URL(database.url)
  url.username = encodeURIComponent(role)
  url.password = 'of-a-test'
  reader = open(url.toString())
})

afterAll(async () => {
  await reader.destroy()
  for (const name of [quoted(role), second]) {
    await owner.raw(`DROP OWNED BY ${name}`.replaceAll('?', '\\?'))
    await owner.raw(`DROP ROLE ${name}`.replaceAll('?', '\\?'))
  }
  await owner.destroy()
  await database.drop()
})

function open(url: string): Knex {
  return openKnex(url)
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function grant(...args: string[]) {
  return runProgram(['src/grant-reader.ts', ...args], { DATABASE_URL: database.url })
}

const WITH_HISTORY = ['bills', 'invoices', 'balances', 'vendors', 'customers']

describe('npm run grant-reader', () => {
  test('opens every view and function for people, says so, and can be repeated', async () => {
    await expect(reader.raw('SELECT * FROM bills_current')).rejects.toThrow('permission denied')
    const first = await grant(role)
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toContain('public.bills_as_of(moment timestamp with time zone)')
    expect(await grant(role)).toEqual(first)

    const views = await rowsOf<{ name: string }>(
      owner,
      `SELECT viewname AS name FROM pg_views WHERE schemaname = 'public'`,
    )
    expect(views.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['bills_current', 'bills_versions', 'company_freshness', 'open_items']),
    )
    for (const { name } of views) {
      await reader.raw(`SELECT * FROM ${name}`)
      expect(first.stdout).toContain(`public.${name}\n`)
    }
    for (const table of WITH_HISTORY) {
      await reader.raw(`SELECT * FROM ${table}_held(now())`)
      await reader.raw(`SELECT * FROM ${table}_known(now(), now())`)
    }
    for (const table of ['bills', 'invoices', 'balances']) {
      await reader.raw(`SELECT * FROM ${table}_as_of(now())`)
      await reader.raw(`SELECT * FROM ${table}_source_as_of(now())`)
    }
    await reader.raw('SELECT settled_before()')
    expect(await rowsOf(reader, `SELECT DISTINCT realm_id FROM company_freshness`)).toEqual([
      { realm_id: '1' },
    ])
    await reader.raw('SELECT realm_id, name, time_zone FROM companies')
    await reader.raw('SELECT id, status, finished_at FROM sync_runs')
  })

  test('opens nothing of tokens, sessions, the queue, payloads or how companies are synced, and no writing', async () => {
    expect(await grant(role)).toMatchObject({ exitCode: 0 })
    const { rows } = await owner.raw<{ rows: { name: string }[] }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    )
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(['connections', 'console_sessions']))
    for (const { name } of rows) {
      await expect(reader.raw(`SELECT * FROM ${name}`)).rejects.toThrow('permission denied')
      await expect(reader.raw(`DELETE FROM ${name}`)).rejects.toThrow('permission denied')
    }
    await expect(reader.raw('SELECT next_sync_at FROM companies')).rejects.toThrow('permission denied')
    await expect(reader.raw('SELECT payload FROM sync_rejects')).rejects.toThrow('permission denied')
    const [may] = await rowsOf<{ create: boolean }>(
      owner,
      `SELECT has_schema_privilege(:role, 'public', 'CREATE') AS create`,
      { role },
    )
    expect(may).toEqual({ create: false })
  })

  test('gives the views of a later release when it is run again', async () => {
    await owner.raw('CREATE VIEW later_view AS SELECT 1 AS one')
    await expect(reader.raw('SELECT * FROM later_view')).rejects.toThrow('permission denied')
    expect((await grant(role)).stdout).toContain('public.later_view\n')
    await reader.raw('SELECT * FROM later_view')
  })

  test.each([
    [[], 'name one Postgres role', 78],
    [[''], 'name one Postgres role', 78],
    [['two', 'names'], 'name one Postgres role', 78],
    [['x'.repeat(64)], 'up to 63 bytes', 78],
    [['a\nb'], 'no control characters', 78],
    [['nobody_at_all'], 'There is no role nobody_at_all', 1],
  ])('refuses %j and says why', async (args, why, exitCode) => {
    const ended = await grant(...args)
    expect(ended).toMatchObject({ exitCode, stdout: '' })
    expect(ended.stderr).toContain(why)
  })

  test('refuses a role that could do more anyway', async () => {
    const ended = await grant(second)
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' })
    expect(ended.stderr).toContain('is a superuser')
  })

  test('says which setting is missing', async () => {
    const ended = await runProgram(['src/grant-reader.ts', role], {})
    expect(ended).toMatchObject({ exitCode: 78, stdout: '' })
    expect(ended.stderr).toContain('DATABASE_URL: must be set')
  })
})
