import { readdir } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { describeSchema } from '../../docs/describe-schema.ts'
import { rowsOf } from '../../src/db/database.ts'
import {
  MIGRATION_SETTINGS,
  MIGRATIONS_DIRECTORY,
  migrateToLatest,
  pendingMigrations,
} from '../../src/db/migrate.ts'
import { runProgram } from '../setup/run-program.ts'
import { createEmptyDatabase, type TestDatabase } from '../setup/test-database.ts'
import { openKnex } from '../setup/open-knex.ts'

let database: TestDatabase
let knex: Knex
let files: string[]

beforeEach(async () => {
  database = await createEmptyDatabase()
  knex = openKnex(database.url, { poolMax: 2 })
  files = (await readdir(MIGRATIONS_DIRECTORY)).sort()
})

afterEach(async () => {
  await knex.destroy()
  await database.drop()
})

async function recorded(): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(knex, 'SELECT name FROM knex_migrations ORDER BY id')
  return rows.map(({ name }) => name)
}

/** Everything of ours that a database holds: tables, views, functions, types and sequences, without Knex' own. */
async function objects(): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(
    knex,
    `SELECT relname::text AS name FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'knex\\_%'
     UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     UNION ALL SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typname !~ 'knex'`,
  )
  return rows.map(({ name }) => name)
}

describe('the migrations', () => {
  test('are all applied, each under the name of its file', async () => {
    await migrateToLatest(knex)
    expect(await recorded()).toEqual(files)
    expect(files.every((name) => /^\d{14}_[a-z_]+\.ts$/.test(name))).toBe(true)
  })

  test('applied again change nothing', async () => {
    await migrateToLatest(knex)
    const schema = await describeSchema(knex)
    await migrateToLatest(knex)
    expect(await recorded()).toEqual(files)
    expect(await describeSchema(knex)).toBe(schema)
  })

  test('can be taken back one by one, leave nothing, and be applied again', async () => {
    await migrateToLatest(knex)
    const schema = await describeSchema(knex)
    for (let left = files.length; left > 0; left -= 1) {
      expect(await recorded()).toHaveLength(left)
      await knex.migrate.down(MIGRATION_SETTINGS)
    }
    expect(await objects()).toEqual([])
    await migrateToLatest(knex)
    expect(await describeSchema(knex)).toBe(schema)
  })

  test('of processes that start together are applied once', async () => {
    const other = openKnex(database.url, { poolMax: 2 })
    try {
      await Promise.all([migrateToLatest(knex), migrateToLatest(other)])
    } finally {
      await other.destroy()
    }
    expect(await recorded()).toEqual(files)
  })
})

describe('a migration that builds indexes beside a running service', () => {
  const unfinished = async () =>
    rowsOf(knex, 'SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid')

  test('builds again what a killed one left unfinished', async () => {
    await migrateToLatest(knex)
    const schema = await describeSchema(knex)
    await rowsOf(knex, `DELETE FROM knex_migrations WHERE name ~ '_(list_indexes|bounded)' RETURNING id`)
    await rowsOf(
      knex,
      `UPDATE pg_index SET indisvalid = false
        WHERE indexrelid IN ('bills_by_balance'::regclass, 'sync_runs_of_company'::regclass)`,
    )
    await rowsOf(knex, 'ALTER INDEX bills_by_change RENAME TO bills_by_change_new')
    expect(await unfinished()).toHaveLength(2)
    await migrateToLatest(knex)
    expect(await unfinished()).toEqual([])
    expect(await describeSchema(knex)).toBe(schema)
  })

  test('does not wait for another process that waits for it', async () => {
    await knex.migrate.up(MIGRATION_SETTINGS)
    const others = [1, 2].map(() => openKnex(database.url, { poolMax: 2 }))
    try {
      await Promise.all([knex, ...others].map((one) => migrateToLatest(one)))
    } finally {
      await Promise.all(others.map((one) => one.destroy()))
    }
    expect(await unfinished()).toEqual([])
    expect(await recorded()).toEqual(files)
  })
})

describe('what is pending', () => {
  test('on an empty database is everything', async () => {
    expect(await pendingMigrations(knex)).toEqual(files)
  })

  test('after a part of them is the rest', async () => {
    await knex.migrate.up(MIGRATION_SETTINGS)
    expect(await pendingMigrations(knex)).toEqual(files.slice(1))
    await migrateToLatest(knex)
    expect(await pendingMigrations(knex)).toEqual([])
  })

  test('on a database that is ahead, as during a deploy, is nothing, and it starts all the same', async () => {
    await migrateToLatest(knex)
    await knex('knex_migrations').insert({
      name: '29990101000000_later.ts',
      batch: 2,
      migration_time: new Date('2026-11-02T10:00:00Z'),
    })
    expect(await pendingMigrations(knex)).toEqual([])
    await migrateToLatest(knex)
    expect(await recorded()).toEqual([...files, '29990101000000_later.ts'])
  })
})

describe('npm run migrate', () => {
  test('brings the schema and the queue up to date, and tells what it did', async () => {
    const first = await runProgram(['src/migrate.ts'], { DATABASE_URL: database.url })
    expect(first).toEqual({
      exitCode: 0,
      stdout: `Applied:\n  ${files.join('\n  ')}\nThe queue is current.\n`,
      stderr: '',
    })
    expect(await rowsOf(knex, `SELECT name FROM pgboss.queue WHERE name = 'sync-company'`)).toHaveLength(1)
    expect(await runProgram(['src/migrate.ts'], { DATABASE_URL: database.url })).toMatchObject({
      exitCode: 0,
      stdout: 'The schema is current.\nThe queue is current.\n',
    })
  })

  test('wants a database', async () => {
    expect(await runProgram(['src/migrate.ts'], {})).toMatchObject({
      exitCode: 78,
      stderr: expect.stringContaining('DATABASE_URL: must be set'),
    })
  })

  test('tells that no database answers', async () => {
    const ended = await runProgram(['src/migrate.ts'], {
      DATABASE_URL: 'postgres://u:do-not-show-me@127.0.0.1:1/x',
    })
    expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('ECONNREFUSED') })
    expect(ended.stderr).not.toContain('do-not-show-me')
  })
})

test('the knex command finds the migrations', async () => {
  await migrateToLatest(knex)
  const ended = await runProgram(['node_modules/knex/bin/cli.js', 'migrate:status'], {
    DATABASE_URL: database.url,
  })
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
  expect(ended.stdout).toContain(`Found ${files.length} Completed Migration file/files.`)
  expect(ended.stdout).toContain('No Pending Migration files Found.')
})
