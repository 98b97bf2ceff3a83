import type { Knex } from 'knex'
import { rowsOf } from './database.ts'

/**
 * Throws an Error of one sentence when a database cannot hold the mirror: only UTF-8 can store every name QuickBooks
 * knows.
 */
export async function requireSuitableDatabase(knex: Knex): Promise<void> {
  const [found] = await rowsOf<{ name: string; encoding: string }>(
    knex,
    `SELECT current_database() AS name, current_setting('server_encoding') AS encoding`,
  )
  if (found?.encoding === 'UTF8') return
  throw new Error(
    `The database ${found?.name} is encoded in ${found?.encoding}: make one with ENCODING 'UTF8' and set DATABASE_URL to it`,
  )
}

/** Throws an Error of one sentence when the role may not create tables in schema public, which holds all of ours. */
export async function requireSchemaToFill(knex: Knex): Promise<void> {
  const [found] = await rowsOf<{ role: string; mayCreate: boolean | null }>(
    knex,
    `SELECT current_user AS role, has_schema_privilege(to_regnamespace('public'), 'CREATE') AS "mayCreate"`,
  )
  if (found?.mayCreate === true) return
  throw new Error(
    found?.mayCreate === false
      ? `The role ${found.role} may not create tables in schema public: GRANT CREATE, USAGE ON SCHEMA public TO ${found.role}`
      : 'There is no schema public in the database, and all tables go there: CREATE SCHEMA public',
  )
}
