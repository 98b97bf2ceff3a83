import { existsSync } from 'node:fs'
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createKnex from 'knex'
import { type DataFolderLock, lockDataFolder } from '../../src/db/data-folder-lock.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'
import { migrateToLatest } from '../../src/db/migrate.ts'
import { useMemory } from './use-memory.ts'
import { readMajorVersion, TEMPLATE_DATABASE, withDatabase } from './test-database.ts'

// Neither version can start the other's cluster, to remove it: each knows its own.
const PREFIX = process.env.TEST_POSTGRES_PACKAGE ? 'ledger-mirror-oldest-test-' : 'ledger-mirror-test-'

// A crash may cost a test run its data; nothing in it outlives the run.
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  // Where it ran, a row could take another's place: rows that tie would come in another order, now and then.
  autovacuum: 'off',
  max_connections: '200',
}

// Version 15 has no locale of its own yet. Sorting as people do is what most servers come with, and the embedded one
// does not: the suite passes on both.
const OLDEST_LOCALE = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US']

export interface TestPostgres {
  readonly folder: string
  readonly lock: DataFolderLock
  readonly postgres: EmbeddedPostgres
}

declare global {
  var testPostgres: TestPostgres | undefined
}

/**
 * Starts the one Postgres of this test run and makes the migrated database that tests clone. To see the suite pass on
 * another version, TEST_POSTGRES_PACKAGE names the folder of a package with its binaries, or TEST_POSTGRES_SERVER a
 * server that runs; with TEST_POSTGRES_VERSION it must be of that major version.
 */
export default async function startPostgres(): Promise<void> {
  const server = process.env.TEST_POSTGRES_SERVER
  if (server !== undefined) return useServer(server)
  useMemory()
  await removeAbortedRuns()
  const starting = startCluster()
  // Jest ends without its teardown when it is interrupted, which may be while the server still starts.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void starting.then(removePostgres).finally(() => process.exit(1)))
  }
  const started = await starting
  const { postgres } = started
  globalThis.testPostgres = started
  process.env.TEST_POSTGRES_URL = postgres.url
  try {
    await settleVersion(postgres.url)
    await createTemplate(postgres.url)
  } catch (error) {
    await removePostgres(started)
    throw error
  }
}

/** A Postgres in a folder of its own: the one of a test run, or another beside it. */
export async function startCluster(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), PREFIX))
  const lock = await lockDataFolder(folder)
  return { folder, lock, postgres: await startIn(folder) }
}

/** Stops the Postgres of a test run and removes what it left. */
export async function removePostgres({ folder, lock, postgres }: TestPostgres): Promise<void> {
  await postgres.stop()
  await rm(postgres.directory, { recursive: true, force: true })
  await lock.release()
  await rm(folder, { recursive: true, force: true })
}

async function useServer(url: string): Promise<void> {
  process.env.TEST_POSTGRES_URL = url
  await settleVersion(url)
  await removeTemplate(url)
  await createTemplate(url)
}

async function startIn(directory: string): Promise<EmbeddedPostgres> {
  const packageFolder = process.env.TEST_POSTGRES_PACKAGE
  const binaries = packageFolder ? { binaries: { packageFolder, locale: OLDEST_LOCALE } } : {}
  return startEmbeddedPostgres({ directory, settings: SETTINGS, ...binaries })
}

/** Refuses a server of another version than was asked for; where none was, tests are told what it is. */
async function settleVersion(url: string): Promise<void> {
  const version = String(await readMajorVersion(url))
  process.env.TEST_POSTGRES_VERSION ??= version
  const asked = process.env.TEST_POSTGRES_VERSION
  if (version !== asked) throw new Error(`The tests were to run on Postgres ${asked}, and this is ${version}`)
}

/** Takes away what an earlier run on the same server left. */
async function removeTemplate(url: string): Promise<void> {
  await run(url, `UPDATE pg_database SET datistemplate = false WHERE datname = '${TEMPLATE_DATABASE}'`)
  await run(url, `DROP DATABASE IF EXISTS ${TEMPLATE_DATABASE}`)
}

async function createTemplate(url: string): Promise<void> {
  await run(url, `CREATE DATABASE ${TEMPLATE_DATABASE}`)
  const knex = createKnex({ client: 'pg', connection: withDatabase(url, TEMPLATE_DATABASE) })
  try {
    await migrateToLatest(knex)
  } finally {
    await knex.destroy()
  }
  // Nobody can hold it open while it is cloned.
  await run(url, `ALTER DATABASE ${TEMPLATE_DATABASE} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`)
}

async function run(url: string, sql: string): Promise<void> {
  const knex = createKnex({ client: 'pg', connection: url })
  try {
    await knex.raw(sql)
  } finally {
    await knex.destroy()
  }
}

/** Runs cut short by a signal leave a folder, and often a server, that nobody has locked. */
async function removeAbortedRuns(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX))
  for (const folder of names.map((name) => join(tmpdir(), name))) {
    if (!(await isOurs(folder))) continue
    const lock = await lockDataFolder(folder).catch(() => undefined)
    if (lock === undefined) continue
    const postgres = await startIn(folder)
    await removePostgres({ folder, lock, postgres })
  }
}

/** Without a lock file yet it may be a run that starts at this moment. */
async function isOurs(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  return (
    found?.isDirectory() === true && found.uid === process.geteuid?.() && existsSync(join(folder, 'lock'))
  )
}
