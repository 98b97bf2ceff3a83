import type { PgBoss } from 'pg-boss'

export const TICK_QUEUE = 'tick'
export const SYNC_QUEUE = 'sync-company'
export const HOUSEKEEPING_QUEUE = 'housekeeping'
export const DEAD_LETTER_QUEUE = 'sync-company-dead'

/** All that a job of SYNC_QUEUE carries: what to do is in the company's row. */
export interface SyncJob {
  readonly realmId: string
}

const DAY_SECONDS = 86_400
const HOUR_SECONDS = 3_600

/** Creates the queues that are missing and brings the settings of the others up to date. */
export async function ensureQueues(boss: PgBoss): Promise<void> {
  for (const [name, { policy, ...settings }] of Object.entries(QUEUES)) {
    if (await boss.getQueue(name)) await boss.updateQueue(name, settings)
    else await boss.createQueue(name, { policy, ...settings })
  }
}

// The dead-letter queue comes first: pg-boss requires it before another queue names it.
const QUEUES = {
  [DEAD_LETTER_QUEUE]: {
    policy: 'standard',
    // Long enough for a person to come back from a holiday and look.
    retentionSeconds: 30 * DAY_SECONDS,
    deleteAfterSeconds: DAY_SECONDS,
  },
  [TICK_QUEUE]: {
    policy: 'exclusive',
    notify: true,
    // The next minute brings another one.
    retryLimit: 0,
    expireInSeconds: 120,
    retentionSeconds: HOUR_SECONDS,
    deleteAfterSeconds: HOUR_SECONDS,
  },
  [HOUSEKEEPING_QUEUE]: {
    policy: 'exclusive',
    retryLimit: 0,
    expireInSeconds: HOUR_SECONDS,
    retentionSeconds: HOUR_SECONDS,
    deleteAfterSeconds: DAY_SECONDS,
  },
  [SYNC_QUEUE]: {
    // At most one job per company queued, running or waiting for a retry: its key is the realm id.
    policy: 'exclusive',
    notify: true,
    deadLetter: DEAD_LETTER_QUEUE,
    // Only crashes and defects are retried: a failure that the domain knows completes its job.
    retryLimit: 3,
    retryDelay: 5,
    retryBackoff: true,
    retryDelayMax: 60,
    // A backfill of 100,000 records takes minutes; heavily throttled, it may take hours.
    expireInSeconds: 6 * HOUR_SECONDS,
    // Longer than a run's lease of 30 seconds, so that the lease has lapsed when the job is retried.
    heartbeatSeconds: 40,
    retentionSeconds: DAY_SECONDS,
    // What a job did is in sync_runs; 10,000 companies complete a million jobs a day.
    deleteAfterSeconds: HOUR_SECONDS,
  },
} as const
