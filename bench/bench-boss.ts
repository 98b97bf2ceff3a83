import type { PgBoss } from 'pg-boss'
import { connectionOf } from '../src/db/connect.ts'
import { createBoss } from '../src/jobs/boss.ts'
import { ensureQueues } from '../src/jobs/queues.ts'
import { createLog } from '../src/log.ts'

/** The service's queue as a process has it that only sends, with its tables and queues in place. */
export async function startBenchBoss(url: string): Promise<PgBoss> {
  const boss = createBoss({
    connection: connectionOf(url, 'off'),
    applicationName: 'bench',
    schedules: false,
    works: false,
    migrates: true,
    log: createLog({ level: 'error', format: 'json', secrets: () => [] }),
  })
  await boss.start()
  await ensureQueues(boss)
  return boss
}
