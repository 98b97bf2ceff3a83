import './node-version.js'
import { ConfigError, readEnv, toDatabase } from './config.ts'
import { connect } from './db/connect.ts'
import { describeFailure } from './db/describe-failure.ts'
import { grantReader, type Granted } from './db/grant-reader.ts'

const USAGE = 'npm run grant-reader -- ROLE: which role of Postgres may read?'

/** Gives a role of the database at DATABASE_URL what a reader of SQL needs. */
async function grant(role: string, database: ReturnType<typeof toDatabase>): Promise<void> {
  const knex = connect({
    ...database,
    poolMax: 1,
    applicationName: 'ledger-mirror grant-reader',
    statementTimeoutMs: null,
  })
  try {
    process.stdout.write(describeGranted(role, await grantReader(knex, role)))
  } finally {
    await knex.destroy()
  }
}

function describeGranted(role: string, { views, tables, columns }: Granted): string {
  return [
    `${role} may read:`,
    `  views: ${views.join(', ')}`,
    '  functions: bills_as_of(moment), bills_source_as_of(source_moment), and those of the others',
    `  tables: ${tables.join(', ')}`,
    ...Object.entries(columns).map(([table, names]) => `  of ${table}: ${names.join(', ')}`),
    'and nothing of connections, tokens, sessions or the queue. After an upgrade run this again.',
    '',
  ].join('\n')
}

let url: string | null = null
try {
  const [role, ...more] = process.argv.slice(2)
  if (!role || more.length > 0) throw new ConfigError([USAGE])
  const database = toDatabase(readEnv())
  url = database.url
  await grant(role, database)
} catch (error) {
  process.stderr.write(`${describeFailure(error, url)}\n`)
  process.exitCode = error instanceof ConfigError ? 78 : 1
}
