import { describe, expect, test } from '@jest/globals'
import { connect } from '../../src/db/connect.ts'
import { isPostgresAway } from '../../src/db/postgres-away.ts'
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
    expect(isPostgresAway(await failure(url, 'SELECT pg_terminate_backend(pg_backend_pid())'))).toBe(true)
    expect(isPostgresAway(await failure(url, 'SELECT 1 / 0'))).toBe(false)
    expect(isPostgresAway(await failure(url, 'SELECT nonsense'))).toBe(false)
    await drop()
  })

  test('is seen where nobody listens', async () => {
    // Port 1 of this machine: nothing that is not root could listen there, and nothing does.
    expect(isPostgresAway(await failure('postgres://nobody@127.0.0.1:1/none', 'SELECT 1'))).toBe(true)
  })
})
