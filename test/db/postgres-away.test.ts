import { describe, expect, test } from '@jest/globals'
import { connect } from '../../src/db/connect.ts'
import { DBError, Model, raw } from 'objection'
import { whyPostgresAway } from '../../src/db/postgres-away.ts'
import { createEmptyDatabase } from '../setup/test-database.ts'

const OPTIONS = { tls: 'off', poolMax: 1, applicationName: 'test', statementTimeoutMs: null } as const

async function failure(url: string, sql: string): Promise<unknown> {
  const knex = connect({ ...OPTIONS, url })
  try {
    await knex.raw(sql)
    throw new Error('nothing failed')
  } catch (error) {
    return error
  } finally {
    await knex.destroy()
  }
}

describe('a Postgres that is away', () => {
  test('is told from one that refuses a statement', async () => {
    const { url, drop } = await createEmptyDatabase()
    expect(
      whyPostgresAway(await failure(url, 'SELECT pg_terminate_backend(pg_backend_pid())')),
    ).not.toBeNull()
    expect(whyPostgresAway(await failure(url, 'SELECT 1 / 0'))).toBeNull()
    expect(whyPostgresAway(await failure(url, 'SELECT nonsense'))).toBeNull()
    await drop()
  })

  test('is seen through what Objection wraps around it', async () => {
    const { url, drop } = await createEmptyDatabase()
    const knex = connect({ ...OPTIONS, url })
    class Ended extends Model {
      static override tableName = 'pg_database'
    }
    const thrown = await Ended.query(knex)
      .select(raw('pg_terminate_backend(pg_backend_pid())'))
      .catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(DBError)
    expect(whyPostgresAway(thrown)).not.toBeNull()
    await knex.destroy()
    await drop()
  })

  test.each([
    ['53100', 'Postgres has run out of room'],
    ['53300', 'Postgres has no connection left'],
    ['57P05', 'Postgres does not answer'],
    ['25P03', 'Postgres does not answer'],
    ['25006', 'Postgres takes no writes: the database is read-only'],
    ['57014', 'Postgres is too busy'],
    ['40P01', 'Postgres is too busy'],
    ['08006', 'Postgres does not answer'],
    ['42501', null],
    ['22P02', null],
    ['23505', null],
  ])('is told by %s: %s', async (sqlState, why) => {
    const { url, drop } = await createEmptyDatabase()
    const thrown = await failure(url, `DO $$ BEGIN RAISE SQLSTATE '${sqlState}'; END $$`)
    expect(whyPostgresAway(thrown)).toBe(why)
    await drop()
  })

  test('is seen where nobody listens', async () => {
    // Port 1 of this machine: nothing that is not root could listen there, and nothing does.
    expect(whyPostgresAway(await failure('postgres://nobody@127.0.0.1:1/none', 'SELECT 1'))).not.toBeNull()
  })
})
