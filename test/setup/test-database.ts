import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'

/** The migrated database that every test database is a copy of. */
export const TEMPLATE_DATABASE = 'ledger_template'

const OBJECT_IN_USE = '55006'
const CLONE_ATTEMPTS = 20
const CLONE_AGAIN_MS = 100

export interface TestDatabase {
  readonly url: string
  /** Drops the database, whoever is still connected. */
  drop(): Promise<void>
}

/** A migrated database of the caller's own. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(TEMPLATE_DATABASE)
}

/** A database without a single table, for what migrations and pg-boss do on their own. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase('template0')
}

/** A database of the caller's own that holds what that one holds; nobody may be connected to it. */
export async function copyDatabase({ url }: TestDatabase): Promise<TestDatabase> {
  return createDatabase(new URL(url).pathname.slice(1))
}

/** What the server behind a URL says it is. */
export async function readMajorVersion(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ major: number }>(
      `SELECT current_setting('server_version_num')::int / 10000 AS major`,
    )
    return rows[0]!.major
  } finally {
    await client.end()
  }
}

/** The same server's URL for another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.toString()
}

async function createDatabase(template: string): Promise<TestDatabase> {
  const url = serverUrl()
  // Random, because a worker runs many test files and each file has this module to itself.
  const name = `test_${randomBytes(8).toString('hex')}`
  await clone(url, template, name)
  return {
    url: withDatabase(url, name),
    drop: () => runOn(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

async function clone(url: string, template: string, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOn(url, `CREATE DATABASE ${name} TEMPLATE ${template}`)
    } catch (error) {
      // Postgres's own vacuum may be looking at the template.
      const inUse = error instanceof pg.DatabaseError && error.code === OBJECT_IN_USE
      if (!inUse || attempt === CLONE_ATTEMPTS) throw error
      await wait(CLONE_AGAIN_MS)
    }
  }
}

async function runOn(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function serverUrl(): string {
  const url = process.env.TEST_POSTGRES_URL
  if (url === undefined)
    throw new Error('No test Postgres: run the tests through jest, whose set-up starts it')
  return url
}
