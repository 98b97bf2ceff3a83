import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Knex } from 'knex'
import { rowsOf } from './database.ts'
import { requireSchemaToFill, requireSuitableDatabase } from './suitable-database.ts'

export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('../../migrations', import.meta.url))
export const SEEDS_DIRECTORY = fileURLToPath(new URL('../../seeds', import.meta.url))

/** Knex's settings for migrations; a database that is ahead of this code, as during a deploy, is not an error. */
export const MIGRATION_SETTINGS: Knex.MigratorConfig = {
  directory: MIGRATIONS_DIRECTORY,
  loadExtensions: ['.ts'],
  disableMigrationsListValidation: true,
}

// Any number, as long as nothing else in this database takes the same lock.
const MIGRATING = 4_711_001

/**
 * Applies every migration the database lacks. Processes that start together wait for the first. A killed migration does
 * not lock the others out, because knex's own lock is only ever set under ours. Needs two connections of the pool.
 *
 * @throws Error of one sentence when the database cannot hold the mirror.
 */
export async function migrateToLatest(knex: Knex): Promise<void> {
  await requireSuitableDatabase(knex)
  if ((await pendingMigrations(knex)).length === 0) return
  await requireSchemaToFill(knex)
  await knex.transaction(async (trx) => {
    await trx.raw('SET LOCAL idle_in_transaction_session_timeout = 0')
    await trx.raw('SELECT pg_advisory_xact_lock(?)', [MIGRATING])
    await knex.migrate.forceFreeMigrationsLock(MIGRATION_SETTINGS)
    await knex.migrate.latest(MIGRATION_SETTINGS)
  })
}

/** Names of this code's migrations that the database lacks. Any it has beyond them do not matter. */
export async function pendingMigrations(knex: Knex): Promise<string[]> {
  const ours = (await readdir(MIGRATIONS_DIRECTORY)).filter((name) => name.endsWith('.ts')).sort()
  const [table] = await rowsOf<{ exists: boolean }>(
    knex,
    `SELECT to_regclass('public.knex_migrations') IS NOT NULL AS exists`,
  )
  if (!table?.exists) return ours
  const applied = await rowsOf<{ name: string }>(knex, 'SELECT name FROM knex_migrations')
  const names = new Set(applied.map((row) => row.name))
  return ours.filter((name) => !names.has(name))
}
