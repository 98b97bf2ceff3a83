import type { PgBoss } from 'pg-boss'
import { createAccessTokens, type OnCall } from './connections/access-tokens.ts'
import { logStop } from './connections/log-stop.ts'
import { enqueueSyncs, queueBehind } from './jobs/enqueue.ts'
import { mustGiveWay } from './jobs/give-way.ts'
import { cleanUp } from './jobs/housekeeping.ts'
import { performSync } from './jobs/perform-sync.ts'
import { tick, type TickOptions } from './jobs/tick.ts'
import { workHousekeeping, workSyncs, workTicks, type JobUnderWay } from './jobs/work.ts'
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
  /** Runs a step that needs Postgres and is safe to repeat. */
  readonly patiently: <Result>(step: () => Promise<Result>) => Promise<Result>
}

/** Starts everything this process does besides HTTP. */
export async function startRoles(options: RoleOptions): Promise<void> {
  const { config, boss, database, log, stop, patiently } = options
  const intervalSeconds = config.syncIntervalSeconds
  if (config.roles.has('worker')) {
    const sync = syncOptions(options)
    await workSyncs(boss, config.syncConcurrency, async (realmId, last, job) => {
      let gaveWay = false
      const run = async (realm: string, stopSignal: AbortSignal) => {
        const outcome = await runLogged(sync, realm, stopSignal, job)
        gaveWay = outcome.kind === 'gave_way'
        return outcome
      }
      await performSync({ database, intervalSeconds, log, run }, { realmId, last, stop })
      if (gaveWay) await queueBehind(boss, database, { id: job.id, realmId })
    })
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
      logStop(log, told.stop)
      if (told.notFolded)
        log.warn('metric totals were not folded; the next tick tries again', { error: told.notFolded })
    }
    await patiently(() => workTicks(boss, log, beat))
    await patiently(() => workHousekeeping(boss, log, () => cleanUp(database, config.runRetentionDays)))
    // The first sync starts at once, not at the next full minute.
    await patiently(beat)
  }
}

/** The queue keeps only the code of a failure, so what a run throws before it opens is logged here. */
async function runLogged(
  sync: SyncOptions,
  realmId: string,
  stop: AbortSignal,
  { priority }: JobUnderWay,
): Promise<RunOutcome> {
  try {
    return await runCompany(sync, realmId, stop, (goingSeconds) =>
      mustGiveWay(sync.database, { priority, goingSeconds }),
    )
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
    log,
  })
  return {
    database,
    intervalSeconds: config.syncIntervalSeconds,
    random,
    log,
    openReader({ onCall, ...access }) {
      const observe: OnCall = (call) => {
        metrics.observeQuickBooksCall(call)
        onCall(call)
      }
      const asker = { ...access, onCall: observe }
      return quickbooks.company({
        ...access,
        onCall: observe,
        accessToken: () => tokens.get(access.realmId, asker),
        renewAccessToken: (stale) => tokens.renew(access.realmId, stale, asker),
      })
    },
  }
}
