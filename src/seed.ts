import './node-version.js'
import { ConfigError, readEnv, toDatabase } from './config.ts'
import { connect } from './db/connect.ts'
import { SEEDS_DIRECTORY } from './db/migrate.ts'

/** Runs the seeds on the database at DATABASE_URL, whose schema must be current. */
async function seed(): Promise<void> {
  const knex = connect({
    ...toDatabase(readEnv()),
    poolMax: 1,
    applicationName: 'ledger-mirror seed',
    statementTimeoutMs: null,
  })
  try {
    await knex.seed.run({ directory: SEEDS_DIRECTORY, loadExtensions: ['.ts'] })
  } catch (error) {
    // Knex wraps what a seed throws in a message with the file's name and loses the error's class.
    throw error instanceof Error && 'original' in error ? error.original : error
  } finally {
    await knex.destroy()
  }
}

try {
  await seed()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof ConfigError ? 78 : 1
}
