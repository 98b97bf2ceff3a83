import '../src/node-version.js'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '../src/db/connect.ts'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'
import { migrateToLatest } from '../src/db/migrate.ts'
import { describeSchema } from './describe-schema.ts'

const DOCUMENT = fileURLToPath(new URL('schema.md', import.meta.url))

const folder = await mkdtemp(join(tmpdir(), 'ledger-mirror-schema-'))
const postgres = await startEmbeddedPostgres({ directory: folder, settings: { fsync: 'off' } })
const knex = connect({
  url: postgres.url,
  tls: 'off',
  poolMax: 2,
  applicationName: 'ledger-mirror schema',
  statementTimeoutMs: null,
})
try {
  await migrateToLatest(knex)
  await writeFile(DOCUMENT, await describeSchema(knex))
  process.stdout.write(`${DOCUMENT} is written.\n`)
} finally {
  await knex.destroy()
  await postgres.stop()
  for (const made of [folder, postgres.directory]) await rm(made, { recursive: true, force: true })
}
