import './node-version.js'
import { toDatabase } from './config.ts'
import { connect } from './db/connect.ts'
import { SEEDS_DIRECTORY } from './db/migrate.ts'
import { runProgram } from './run-program.ts'

/** Runs the seeds on the database at DATABASE_URL, whose schema must be current. */
async function seed(database: ReturnType<typeof toDatabase>): Promise<void> {
  const knex = connect({
    ...database,
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

await runProgram(toDatabase, seed)
