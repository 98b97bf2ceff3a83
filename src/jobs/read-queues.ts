import type { PgBoss } from 'pg-boss'

export interface QueueJobs {
  readonly queue: string
  readonly state: string
  readonly jobs: number
}

/** How many jobs each queue holds, by state, as pg-boss last counted them, at most some 15 seconds ago. */
export async function readQueues(boss: PgBoss): Promise<QueueJobs[]> {
  const queues = await boss.getQueues()
  return queues.flatMap(({ name, deferredCount, readyCount, activeCount, failedCount }) => [
    { queue: name, state: 'deferred', jobs: deferredCount },
    { queue: name, state: 'ready', jobs: readyCount },
    { queue: name, state: 'active', jobs: activeCount },
    { queue: name, state: 'failed', jobs: failedCount },
  ])
}
