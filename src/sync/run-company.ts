import type { Logger } from 'winston'
import type { OnConnection } from '../connections/access-tokens.ts'
import type { Database } from '../db/database.ts'
import { ENTITIES, type Entity } from '../domain/entity.ts'
import { toLedgerError } from '../domain/ledger-error.ts'
import type { InTurn } from '../domain/pace.ts'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import type { RunStatus } from '../domain/sync-run.ts'
import type { CompanyReader, PageRows } from '../quickbooks/quickbooks.ts'
import { captureBeforeListing, captureChanges, captureEntity } from './capture-changes.ts'
import { endFailed, type FailedOutcome, type Signals } from './end-failed.ts'
import { finishRun } from './finish-run.ts'
import { keepLease, type Lease } from './keep-lease.ts'
import { listEntity } from './list-entity.ts'
import { logRun } from './log-run.ts'
import { isCapturable, planIncremental } from './plan-run.ts'
import { openRun, type OpenedRun, type Skip } from './open-run.ts'
import { pageRowsOf } from './page-rows.ts'
import { remap } from './remap.ts'
import { readCompany } from './read-company.ts'
import { noteCall } from './record-calls.ts'
import { retryRejects } from './retry-rejects.ts'
import type { Run } from './run.ts'
import { noProgress } from './run-progress.ts'
import { createRunPace } from './run-pace.ts'
import { forEachEntity, refuseEmptyHands } from './for-each-entity.ts'

export interface ReaderAccess {
  readonly realmId: string
  readonly homeCurrency: () => string | null
  readonly onCall: (call: QuickBooksCall) => void
  /** Every call of the run goes through it, including those that renew its token. */
  readonly inTurn: InTurn
  readonly onConnection: OnConnection
  readonly signal: AbortSignal
  readonly pageRows: PageRows
}

export interface SyncOptions {
  readonly database: Database
  readonly openReader: (access: ReaderAccess) => CompanyReader
  readonly intervalSeconds: number
  /** In [0, 1). */
  readonly random: () => number
  readonly log: Logger
}

export type RunOutcome =
  | { readonly kind: 'skipped'; readonly reason: Skip }
  | {
      readonly kind: 'finished'
      readonly runId: number
      readonly status: RunStatus
      readonly askedAgain: boolean
    }
  | FailedOutcome

/**
 * One run for one company: takes the lease, fetches, decides, writes, and ends the run whatever happens.
 *
 * @param stop aborts when the process is asked to stop: the run is then closed as abandoned and asked for again.
 * @param mustGiveWay asked between the pages of a listing, with the seconds since the run began. A run that gives way
 *   is closed as abandoned, without an error; its request stands, and the next run resumes the listing.
 */
export async function runCompany(
  options: SyncOptions,
  realmId: string,
  stop: AbortSignal,
  mustGiveWay: (goingSeconds: number) => Promise<boolean> = () => Promise.resolve(false),
): Promise<RunOutcome> {
  const openingMs = options.database.clock.elapsedMs()
  const opened = await openRun(options.database, realmId)
  if (typeof opened === 'string') return { kind: 'skipped', reason: opened }
  const lease = keepLease(options.database, opened.id, { takenMs: openingMs, log: options.log })
  try {
    const signal = AbortSignal.any([stop, lease.signal])
    const goingSeconds = () => (options.database.clock.elapsedMs() - openingMs) / 1000
    const run = beginRun(options, opened, {
      lease,
      signal,
      mustGiveWay: () => mustGiveWay(goingSeconds()),
    })
    return await carryOut(options, run, { stop, signal })
  } finally {
    lease.release()
  }
}

async function carryOut(options: SyncOptions, run: Run, signals: Signals): Promise<RunOutcome> {
  try {
    await syncCompany(run)
    const finished = await finishRun(run, options)
    logRun(options.log, run, finished)
    return { kind: 'finished', runId: run.id, ...finished }
  } catch (thrown) {
    return await endFailed(options, run, thrown, signals)
  }
}

/** Joins what was read at the opening with what the run needs to work. */
function beginRun(
  options: SyncOptions,
  opened: OpenedRun,
  {
    lease,
    signal,
    mustGiveWay,
  }: {
    readonly lease: Lease
    readonly signal: AbortSignal
    readonly mustGiveWay: Run['mustGiveWay']
  },
): Run {
  const { clock } = options.database
  const pace = createRunPace({ clock, agesMs: opened.callAgesMs, signal, assured: () => lease.assured() })
  const run: Run = {
    ...opened,
    ...noProgress(),
    signal,
    database: options.database,
    pace,
    mustGiveWay,
    reader: options.openReader({
      realmId: opened.realmId,
      homeCurrency: () => run.homeCurrency,
      onCall: (call) => noteCall(run, call),
      inTurn: pace.inTurn,
      onConnection: (mark) => {
        run.connection = mark
      },
      signal,
      pageRows: pageRowsOf(() => run),
    }),
  }
  return run
}

/** Brings the mirror up to date: by changes where change data capture reaches far enough, else by listings. */
async function syncCompany(run: Run): Promise<void> {
  await remap(run)
  const capturable = ENTITIES.filter((entity) => isCapturable(run, entity))
  // A company that was never synced is listed, and so is one whose watermarks are too old for change data capture.
  if (run.mode === 'full' || capturable.length === 0) await syncByListings(run, capturable)
  else if (!(await syncByChanges(run))) await syncByListings(run, [])
  await retryRejects(run)
  refuseEmptyHands(run)
}

/** @returns false when change data capture does not reach back far enough. */
async function syncByChanges(run: Run): Promise<boolean> {
  const { captured, alone, listed } = planIncremental(run)
  try {
    const startedAt = captured.length > 0 ? await captureChanges(run, captured) : await readCompany(run)
    await forEachEntity(run, alone, 'capture', (entity) => captureEntity(run, entity))
    await forEachEntity(run, listed, 'listing', (entity) => listEntity(run, entity, startedAt))
    return true
  } catch (error) {
    if (toLedgerError(error).code !== 'window_exceeded') throw error
    return false
  }
}

/** @param capturedFirst entities for which change data capture is asked before they are listed. */
async function syncByListings(run: Run, capturedFirst: readonly Entity[]): Promise<void> {
  run.mode = 'full'
  const startedAt = await beginListings(run, capturedFirst)
  await forEachEntity(run, ENTITIES, 'listing', (entity) => listEntity(run, entity, startedAt))
}

/**
 * A reconcile reads what it compares and nothing else: the company's own record is read by every other full run.
 *
 * @returns QuickBooks' time of the run's first answer.
 */
async function beginListings(run: Run, capturedFirst: readonly Entity[]): Promise<Date> {
  if (run.trigger === 'reconcile' && capturedFirst.length > 0 && run.homeCurrency !== null) {
    return (await captureBeforeListing(run, capturedFirst)) ?? (await readCompany(run))
  }
  const startedAt = await readCompany(run)
  await captureBeforeListing(run, capturedFirst)
  return startedAt
}
