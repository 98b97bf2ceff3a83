import { setTimeout as sleep } from 'node:timers/promises'
import type { Response } from 'express'
import type { Knex } from 'knex'
import { SyncRun } from '../../models/sync-run.ts'
import type { HttpOptions } from '../options.ts'

/** Waits while the client is connected, and for at most `wait` seconds; null when that was not enough. */
export async function waitForAnswer(
  { database, waitPollMs, stop }: Pick<HttpOptions, 'database' | 'waitPollMs' | 'stop'>,
  { realmId, request, wait }: { realmId: string; request: number; wait: number },
  response: Response,
): Promise<SyncRun | null> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const signal = AbortSignal.any([stop, gone.signal, AbortSignal.timeout(wait * 1000)])
  return waitForRun(database.knex, { realmId, request, pollMs: waitPollMs, signal })
}

export interface RunToWaitFor {
  readonly realmId: string
  readonly request: number
  readonly pollMs: number
  /** Stops the wait. */
  readonly signal: AbortSignal
}

/**
 * Waits for the first run to end that began after the request was made. If it failed, it says why. An abandoned run
 * says nothing, and another follows it.
 *
 * @returns null when the wait was stopped first.
 */
export async function waitForRun(knex: Knex, wanted: RunToWaitFor): Promise<SyncRun | null> {
  while (!wanted.signal.aborted) {
    const run = await findRun(knex, wanted)
    if (run) return run
    // Only the signal can cut it short, and that ends the loop.
    await sleep(wanted.pollMs, undefined, { signal: wanted.signal }).catch(() => undefined)
  }
  return null
}

async function findRun(knex: Knex, { realmId, request }: RunToWaitFor): Promise<SyncRun | undefined> {
  // The newest few: the request being waited for was made seconds ago.
  const newest = await SyncRun.query(knex)
    .where('realm_id', realmId)
    .orderBy([
      { column: 'started_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(10)
  return newest.findLast((run) => ENDED.includes(run.status) && run.servedRequest >= request)
}

const ENDED: readonly SyncRun['status'][] = ['succeeded', 'partial', 'failed']
