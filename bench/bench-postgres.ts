import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { systemClock } from '../src/db/clock.ts'
import { startBenchBoss } from './bench-boss.ts'
import { postgresCpuSeconds } from './cpu-clock.ts'
import { connect } from '../src/db/connect.ts'
import { createDatabase, type Database } from '../src/db/database.ts'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'
import { migrateToLatest } from '../src/db/migrate.ts'

const TEMPLATE = 'bench_template'

// Everything else as the service starts it, fsync included. A commit counts as one only when it is on the disk.
const SETTINGS = { shared_preload_libraries: 'pg_stat_statements', max_connections: '100' }

export interface BenchDatabase extends Database {
  readonly url: string
  drop(): Promise<void>
}

export interface BenchPostgres {
  readonly version: string
  /** CPU seconds that the server has used so far. */
  cpuSeconds(): Promise<number>
  /** A database of its own, with schema and queue and nothing in them. */
  database(options?: { readonly poolMax?: number }): Promise<BenchDatabase>
  /** The server's log so far. */
  readLog(): Promise<string>
  stop(): Promise<void>
}

/** A Postgres of its own in a temporary folder, which goes with it. */
export async function startBenchPostgres(): Promise<BenchPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-mirror-bench-'))
  const postgres = await startEmbeddedPostgres({ directory: folder, settings: SETTINGS })
  const { rows } = await runOn(postgres.url, 'SHOW server_version')
  await makeTemplate(postgres.url)
  let made = 0
  return {
    version: String(rows[0]?.['server_version']),
    cpuSeconds: () => postgresCpuSeconds(join(postgres.directory, 'data')),
    async database({ poolMax = 8 } = {}) {
      const name = `bench_${(made += 1)}`
      await runOn(postgres.url, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`)
      const url = withDatabase(postgres.url, name)
      const knex = open(url, poolMax)
      return {
        url,
        ...createDatabase(knex, systemClock()),
        async drop() {
          await knex.destroy()
          await runOn(postgres.url, `DROP DATABASE ${name} WITH (FORCE)`)
        },
      }
    },
    readLog: () => readFile(join(postgres.directory, 'server.log'), 'utf8'),
    async stop() {
      await postgres.stop()
      await rm(postgres.directory, { recursive: true, force: true })
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function makeTemplate(url: string): Promise<void> {
  await runOn(url, `CREATE DATABASE ${TEMPLATE}`)
  const knex = open(withDatabase(url, TEMPLATE), 2)
  await migrateToLatest(knex)
  await knex.raw('CREATE EXTENSION pg_stat_statements')
  await knex.destroy()
  // In production a release makes the queue, and the service waits for it.
  const boss = await startBenchBoss(withDatabase(url, TEMPLATE))
  await boss.stop({ graceful: false })
}

function open(url: string, poolMax: number) {
  return connect({ url, tls: 'off', poolMax, applicationName: 'bench', statementTimeoutMs: null })
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.toString()
}

async function runOn(url: string, sql: string): Promise<{ rows: Record<string, unknown>[] }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query<Record<string, unknown>>(sql)
  } finally {
    await client.end()
  }
}
