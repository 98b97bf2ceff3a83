import { describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { createEmptyDatabase, createTestDatabase, readMajorVersion } from './test-database.ts'

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

describe('the test databases', () => {
  test('many asked for at once are all made, migrated and apart from each other', async () => {
    const databases = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase()))
    for (const { url } of databases) await ask(url, 'CREATE TABLE mine_alone ()')
    for (const { url } of databases) {
      const [row] = await ask(url, 'SELECT count(*)::int AS migrations FROM knex_migrations')
      expect(row?.migrations).toBeGreaterThan(0)
    }
    await Promise.all(databases.map((database) => database.drop()))
  })

  test('an empty one has no table of ours', async () => {
    const database = await createEmptyDatabase()
    const tables = await ask(database.url, `SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)
    expect(tables).toEqual([])
    await database.drop()
  })

  test('are on a server of the version that was asked for', async () => {
    const database = await createTestDatabase()
    expect(String(await readMajorVersion(database.url))).toBe(process.env.TEST_POSTGRES_VERSION)
    await database.drop()
  })

  test('a dropped one is gone, though somebody was connected', async () => {
    const database = await createEmptyDatabase()
    const client = new pg.Client({ connectionString: database.url })
    const ended = new Promise((resolve) => client.once('end', resolve))
    client.on('error', () => {})
    await client.connect()
    await database.drop()
    await ended
    await expect(ask(database.url, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' })
  })
})
