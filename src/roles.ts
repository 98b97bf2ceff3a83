import type { PgBoss } from 'pg-boss'
import { createAccessTokens, type OnCall } from './connections/access-tokens.ts'
import { enqueueSyncs } from './jobs/enqueue.ts'
import { deleteOldRuns } from './jobs/housekeeping.ts'
import { performSync } from './jobs/perform-sync.ts'
import { tick, type TickOptions } from './jobs/tick.ts'
import { workHousekeeping, workSyncs, workTicks } from './jobs/work.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { OperationOptions } from './operations.ts'
import { runCompany, type RunOutcome, type SyncOptions } from './sync/run-company.ts'

export interface RoleOptions extends OperationOptions {
  readonly boss: PgBoss
  readonly metrics: Metrics
  readonly random: () => number
  readonly log: Logger
  readonly stop: AbortSignal
  /** Takes a step that needs Postgres; one that can be taken again. */
  readonly patiently: <Result>(step: () => Promise<Result>) => Promise<Result>
}

/** Starts what this process does besides answering HTTP. */
export async function startRoles(options: RoleOptions): Promise<void> {
  const { config, boss, database, log, stop, patiently } = options
  const intervalSeconds = config.syncIntervalSeconds
  if (config.roles.has('worker')) {
    const sync = syncOptions(options)
    await workSyncs(boss, config.syncConcurrency, (realmId, last) =>
      performSync(
        { database, intervalSeconds, run: (realm, stopSignal) => runLogged(sync, realm, stopSignal) },
        { realmId, last, stop },
      ),
    )
  }
  if (config.roles.has('scheduler')) {
    const { monthlyCallBudget } = config.quickbooks
    const beat = async () => {
      const enqueue: TickOptions['enqueue'] = (tx, due, died) => enqueueSyncs(boss, tx, due, died)
      const told = await tick({
        database,
        enqueue,
        intervalSeconds,
        monthlyCallBudget,
        reconcileDays: config.reconcileDays,
      })
      log.debug('tick', { abandoned: told.abandoned, queued: told.queued })
      if (told.notFolded) log.warn('totals were not added up; the next tick does', { error: told.notFolded })
    }
    await patiently(() => workTicks(boss, beat))
    await patiently(() => workHousekeeping(boss, log, () => deleteOldRuns(database, config.runRetentionDays)))
    // The first sync comes at once, not at the next minute.
    await patiently(beat)
  }
}

/** The queue keeps no more than the code of a failure: what a run throws before it is open is told here. */
async function runLogged(sync: SyncOptions, realmId: string, stop: AbortSignal): Promise<RunOutcome> {
  try {
    return await runCompany(sync, realmId, stop)
  } catch (error) {
    sync.log.error('sync run could not begin', { realmId, error })
    throw error
  }
}

function syncOptions({
  config,
  database,
  cipher,
  quickbooks,
  metrics,
  random,
  log,
}: RoleOptions): SyncOptions {
  const tokens = createAccessTokens({
    database,
    cipher,
    environment: config.quickbooks.environment,
    refreshTokens: (refreshToken, onCall) => quickbooks.refreshTokens(refreshToken, onCall),
  })
  return {
    database,
    intervalSeconds: config.syncIntervalSeconds,
    random,
    log,
    openReader({ realmId, homeCurrency, onCall, signal }) {
      const observe: OnCall = (call) => {
        metrics.observeQuickBooksCall(call)
        onCall(call)
      }
      return quickbooks.company({
        realmId,
        homeCurrency,
        signal,
        onCall: observe,
        accessToken: () => tokens.get(realmId, observe),
        renewAccessToken: (stale) => tokens.renew(realmId, stale, observe),
      })
    },
  }
}
