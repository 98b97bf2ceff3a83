import type { Knex } from 'knex'
import { readEnv, toDatabase } from './src/config.ts'
import { connectionOf } from './src/db/connect.ts'
import { MIGRATION_SETTINGS, SEEDS_DIRECTORY } from './src/db/migrate.ts'

const { url, tls } = toDatabase(readEnv())

/** For the knex command: `npx knex migrate:status` and its like. The service and its scripts do not read this. */
const settings: Knex.Config = {
  client: 'pg',
  connection: connectionOf(url, tls),
  pool: { min: 0, max: 1 },
  migrations: { ...MIGRATION_SETTINGS, extension: 'ts' },
  seeds: { directory: SEEDS_DIRECTORY, loadExtensions: ['.ts'], extension: 'ts' },
}

export default settings
