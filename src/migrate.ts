import './node-version.js'
import { toDatabase } from './config.ts'
import { connect, connectionOf } from './db/connect.ts'
import { migrateToLatest, pendingMigrations } from './db/migrate.ts'
import { createBoss } from './jobs/boss.ts'
import { ensureQueues } from './jobs/queues.ts'
import { createLog } from './log.ts'
import { runProgram } from './run-program.ts'

/** Migrates the database at DATABASE_URL, and the queue in it, to what this release needs. */
async function migrate({ url, tls }: ReturnType<typeof toDatabase>): Promise<void> {
  const knex = connect({
    url,
    tls,
    poolMax: 2,
    applicationName: 'ledger-mirror migrate',
    statementTimeoutMs: null,
  })
  try {
    const pending = await pendingMigrations(knex)
    await migrateToLatest(knex)
    process.stdout.write(
      pending.length === 0 ? 'The schema is current.\n' : `Applied:\n  ${pending.join('\n  ')}\n`,
    )
  } finally {
    await knex.destroy()
  }
  const boss = createBoss({
    connection: connectionOf(url, tls),
    applicationName: 'ledger-mirror migrate',
    schedules: false,
    works: false,
    migrates: true,
    log: createLog({ level: 'warn', format: 'pretty', secrets: () => [] }),
  })
  await boss.start()
  await ensureQueues(boss)
  await boss.stop({ graceful: false })
  process.stdout.write('The queue is current.\n')
}

await runProgram(toDatabase, migrate)
