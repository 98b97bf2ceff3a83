import './node-version.js'
import { ConfigError, readEnv, toDatabase } from './config.ts'
import { connect } from './db/connect.ts'
import { describeFailure } from './db/describe-failure.ts'
import { SEEDS_DIRECTORY } from './db/migrate.ts'

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

let url: string | null = null
try {
  const database = toDatabase(readEnv())
  url = database.url
  await seed(database)
} catch (error) {
  process.stderr.write(`${describeFailure(error, url)}\n`)
  process.exitCode = error instanceof ConfigError ? 78 : 1
}
