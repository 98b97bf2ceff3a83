import './node-version.js'
import { ConfigError, toDatabase } from './config.ts'
import { connect } from './db/connect.ts'
import { grantReader } from './db/grant-reader.ts'
import { runProgram } from './run-program.ts'

// Postgres cuts longer names off, and the shortened one could be somebody else.
const LONGEST_NAME_BYTES = 63

/** Gives the role named on the command line what a reader of SQL needs, in the database at DATABASE_URL. */
async function grant(role: string, database: ReturnType<typeof toDatabase>): Promise<void> {
  const knex = connect({
    ...database,
    poolMax: 1,
    applicationName: 'ledger-mirror grant-reader',
    statementTimeoutMs: null,
  })
  try {
    const { relations, functions } = await grantReader(knex, role)
    process.stdout.write(
      [
        `${role} may read:`,
        ...[...relations, ...functions].map((name) => `  ${name}`),
        'Run this again after each release: it gives what was added.',
        '',
      ].join('\n'),
    )
  } finally {
    await knex.destroy()
  }
}

/** @throws ConfigError that says how the command is used. */
function roleOf(given: readonly string[]): string {
  const [role = ''] = given
  if (given.length !== 1 || role === '') {
    throw new ConfigError(['ROLE: name one Postgres role: npm run grant-reader -- ROLE'])
  }
  if (Buffer.byteLength(role) > LONGEST_NAME_BYTES || /\p{Cc}/u.test(role)) {
    throw new ConfigError([
      `ROLE: must be a name of up to ${LONGEST_NAME_BYTES} bytes, no control characters`,
    ])
  }
  return role
}

await runProgram(
  (env) => ({ role: roleOf(process.argv.slice(2)), ...toDatabase(env) }),
  ({ role, ...database }) => grant(role, database),
)
