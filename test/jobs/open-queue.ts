import type { Knex } from 'knex'
import type { PgBoss } from 'pg-boss'
import { connect, connectionOf } from '../../src/db/connect.ts'
import { createDatabase, rowsOf, type Database } from '../../src/db/database.ts'
import { createBoss } from '../../src/jobs/boss.ts'
import { enqueueSyncs } from '../../src/jobs/enqueue.ts'
import { ensureQueues } from '../../src/jobs/queues.ts'
import { createLog } from '../../src/log.ts'
import { createTestClock, type TestClock } from '../setup/clock.ts'
import { createTestDatabase } from '../setup/test-database.ts'

/** A real queue on a database of its own, and processes that send to it or work on it. */
export interface TestQueue {
  readonly clock: TestClock
  readonly database: Database
  /** One more process; `works` as a worker's does, else as one that only sends. */
  start(role: 'sends' | 'works'): Promise<PgBoss>
  addCompanies(realmIds: readonly string[], columns?: Record<string, string | number | Date>): Promise<void>
  /** Sends jobs as the service does, in a transaction of their own. */
  send(boss: PgBoss, realmIds: readonly string[]): Promise<void>
  rows<Row = Record<string, unknown>>(sql: string, bindings?: Record<string, Knex.RawBinding>): Promise<Row[]>
  close(): Promise<void>
}

export interface JobRow {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly data: unknown
  readonly key: string | null
}

export const JOBS = `
  SELECT id, name, state::text, data, singleton_key AS key FROM pgboss.job ORDER BY created_on, singleton_key`

export async function openQueue(): Promise<TestQueue> {
  const clock = createTestClock()
  const { url, drop } = await createTestDatabase()
  const knex = connect({ url, tls: 'off', poolMax: 6, applicationName: 'test', statementTimeoutMs: 20_000 })
  const database = createDatabase(knex, clock)
  const bosses: PgBoss[] = []
  return {
    clock,
    database,
    async start(role) {
      const boss = createBoss({
        connection: connectionOf(url, 'off'),
        applicationName: 'test',
        schedules: false,
        works: role === 'works',
        migrates: true,
        log: createLog({ level: 'error', format: 'pretty', secrets: () => [] }),
      })
      bosses.push(boss)
      await boss.start()
      await ensureQueues(boss)
      return boss
    },
    async addCompanies(realmIds, columns = {}) {
      const now = clock.now()
      await knex('companies').insert(
        realmIds.map((realmId) => ({
          realm_id: realmId,
          status_changed_at: now,
          next_sync_at: now,
          created_at: now,
          ...columns,
        })),
      )
    },
    send: (boss, realmIds) => database.transaction((tx) => enqueueSyncs(boss, tx, realmIds)),
    rows: (sql, bindings = {}) => rowsOf(knex, sql, bindings),
    async close() {
      for (const boss of bosses) await boss.stop({ graceful: false })
      await knex.destroy()
      await drop()
    },
  }
}
