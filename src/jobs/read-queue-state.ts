import type { PgBoss } from 'pg-boss'
import { rowsOf, type Database } from '../db/database.ts'
import { messageOf } from './dead-letters.ts'
import { readQueues, type QueueJobs } from './read-queues.ts'

/** What a person wants to know of the queues. */
export interface QueueState {
  readonly jobs: readonly QueueJobs[]
  /** When the longest waiting job of each queue was queued, of those that could be taken now. */
  readonly oldestWaiting: readonly { readonly queue: string; readonly since: Date }[]
  /** The last attempts that failed, newest first. */
  readonly failures: readonly FailedJob[]
}

export interface FailedJob {
  readonly id: string
  readonly queue: string
  readonly realmId: string | null
  /** `retry` while it is tried again, `failed` once it is not. */
  readonly state: 'retry' | 'failed'
  readonly attempts: number
  readonly at: Date
  readonly message: string
}

// A screen of them; whoever needs more looks at the runs.
const MOST_FAILURES = 25

export async function readQueueState(boss: PgBoss, { knex }: Database): Promise<QueueState> {
  const jobs = await readQueues(boss)
  const oldestWaiting = await rowsOf<{ queue: string; since: Date }>(
    knex,
    `SELECT name AS queue, min(created_on) AS since
       FROM pgboss.job
      WHERE state < 'active' AND start_after <= now()
      GROUP BY name`,
  )
  const failed = await rowsOf<Omit<FailedJob, 'message'> & { output: object | null }>(
    knex,
    `SELECT id, name AS queue, data ->> 'realmId' AS "realmId", CAST(state AS text) AS state,
            retry_count + 1 AS attempts,
            coalesce(completed_on, started_on, created_on) AS at, output
       FROM pgboss.job
      WHERE state IN ('retry', 'failed')
      ORDER BY coalesce(completed_on, started_on, created_on) DESC
      LIMIT ${MOST_FAILURES}`,
  )
  return {
    jobs,
    oldestWaiting,
    failures: failed.map(({ output, ...job }) => ({ ...job, message: messageOf(output) })),
  }
}
