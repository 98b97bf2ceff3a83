import { existsSync } from 'node:fs'
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createKnex from 'knex'
import { type DataFolderLock, lockDataFolder } from '../../src/db/data-folder-lock.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'
import { migrateToLatest } from '../../src/db/migrate.ts'
import { TEMPLATE_DATABASE, withDatabase } from './test-database.ts'

const PREFIX = 'ledger-mirror-test-'

// A crash may cost a test run its data; nothing in it outlives the run.
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
}

export interface TestPostgres {
  readonly folder: string
  readonly lock: DataFolderLock
  readonly postgres: EmbeddedPostgres
}

declare global {
  var testPostgres: TestPostgres | undefined
}

/**
 * Starts the one Postgres of this test run and makes the migrated database that tests clone; or makes it on the server
 * that TEST_POSTGRES_SERVER names, to see the suite pass on another version.
 */
export default async function startPostgres(): Promise<void> {
  const server = process.env.TEST_POSTGRES_SERVER
  if (server !== undefined) return useServer(server)
  await removeAbortedRuns()
  const folder = await mkdtemp(join(tmpdir(), PREFIX))
  const lock = await lockDataFolder(folder)
  const postgres = await startEmbeddedPostgres({ directory: folder, settings: SETTINGS })
  const started = { folder, lock, postgres }
  globalThis.testPostgres = started
  // Jest ends without its teardown when it is interrupted.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void removePostgres(started).finally(() => process.exit(1)))
  }
  process.env.TEST_POSTGRES_URL = postgres.url
  try {
    await createTemplate(postgres.url)
  } catch (error) {
    await removePostgres(started)
    throw error
  }
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
  await removeTemplate(url)
  await createTemplate(url)
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
    const postgres = await startEmbeddedPostgres({ directory: folder, settings: SETTINGS })
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
