import type { JobWithMetadata, PgBoss } from 'pg-boss'
import type { Logger } from 'winston'
import type { Cleaned } from './housekeeping.ts'
import { PRIORITIES } from './priority.ts'
import { HOUSEKEEPING_QUEUE, SYNC_QUEUE, TICK_QUEUE, type SyncJob } from './queues.ts'

// A notification starts a job in milliseconds; polling catches lost notifications and retries.
const POLL_SECONDS = 5

/** A job under way, for code that must end it or know how it was taken. */
export interface JobUnderWay {
  readonly id: string
  readonly priority: number
}

/**
 * Starts `concurrency` loops over the queue of companies. pg-boss sleeps between jobs even while others wait, so each
 * loop is woken as soon as it is done; it sleeps only when the queue is empty. Some loops take no bulk, so that a short
 * run never waits for a listing.
 */
export async function workSyncs(
  boss: PgBoss,
  concurrency: number,
  perform: (realmId: string, last: boolean, job: JobUnderWay) => Promise<void>,
): Promise<void> {
  for (let loop = 0; loop < concurrency; loop += 1) {
    let workerId = ''
    workerId = await boss.work(
      SYNC_QUEUE,
      {
        includeMetadata: true,
        pollingIntervalSeconds: POLL_SECONDS,
        notifyPollingIntervalSeconds: POLL_SECONDS,
        ...(loop < loopsWithoutBulk(concurrency) ? { minPriority: PRIORITIES.small } : {}),
      },
      async ([job]: JobWithMetadata<SyncJob>[]) => {
        if (!job) return
        try {
          await perform(job.data.realmId, job.retryCount >= job.retryLimit, job)
        } finally {
          boss.notifyWorker(workerId)
        }
      },
    )
  }
}

/** A quarter of the loops, at least one where there are two. */
function loopsWithoutBulk(concurrency: number): number {
  return concurrency === 1 ? 0 : Math.ceil(concurrency / 4)
}

/** Ticks once a minute, in whichever scheduler process comes first. Safe to repeat if it failed. */
export async function workTicks(boss: PgBoss, log: Logger, beat: () => Promise<void>): Promise<void> {
  await boss.schedule(TICK_QUEUE, '* * * * *', null, { missed: 'once' })
  await boss.work(TICK_QUEUE, { pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: POLL_SECONDS }, () =>
    logged(log, 'tick failed', beat),
  )
}

/** Cleans up once an hour. Safe to repeat if it failed. */
export async function workHousekeeping(
  boss: PgBoss,
  log: Logger,
  clean: () => Promise<Cleaned>,
): Promise<void> {
  await boss.schedule(HOUSEKEEPING_QUEUE, '17 * * * *', null, { missed: 'once' })
  await boss.work(HOUSEKEEPING_QUEUE, { pollingIntervalSeconds: 60 }, async () => {
    log.info('old things removed', { ...(await logged(log, 'housekeeping failed', clean)) })
  })
}

/** pg-boss stores what a job throws in the job's row for an hour, and logs nothing. */
async function logged<Result>(log: Logger, message: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    log.error(message, { error })
    throw error
  }
}
