import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Knex } from 'knex'
import { rowsOf } from './database.ts'

export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('../../migrations', import.meta.url))
export const SEEDS_DIRECTORY = fileURLToPath(new URL('../../seeds', import.meta.url))

/** Knex's settings for migrations; a database that is ahead of this code, as during a deploy, is not an error. */
export const MIGRATION_SETTINGS: Knex.MigratorConfig = {
  directory: MIGRATIONS_DIRECTORY,
  loadExtensions: ['.ts'],
  disableMigrationsListValidation: true,
}

/** Applies every migration that the database lacks. */
export async function migrateToLatest(knex: Knex): Promise<void> {
  await knex.migrate.latest(MIGRATION_SETTINGS)
}

/** Names of this code's migrations that the database lacks. Those it has beyond them do not matter. */
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
