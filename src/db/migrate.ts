import { readdir } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
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
const ASK_AGAIN_MS = 200

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
    await untilLocked(trx)
    await knex.migrate.forceFreeMigrationsLock(MIGRATION_SETTINGS)
    await knex.migrate.latest(MIGRATION_SETTINGS)
  })
}

/**
 * No session may keep a snapshot meanwhile: an index that one process builds concurrently waits for every older one. So
 * it asks again and again instead of waiting in a statement, and without a parameter, because a statement with one has
 * its snapshot until the next one of its session.
 */
async function untilLocked(trx: Knex.Transaction): Promise<void> {
  for (;;) {
    const [row] = await rowsOf<{ locked: boolean }>(
      trx,
      `SELECT pg_try_advisory_xact_lock(${MIGRATING}) AS locked`,
    )
    if (row!.locked) return
    await wait(ASK_AGAIN_MS)
  }
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
