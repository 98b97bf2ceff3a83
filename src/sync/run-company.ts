import type { Logger } from 'winston'
import type { OnConnection } from '../connections/access-tokens.ts'
import type { Database } from '../db/database.ts'
import { ENTITIES } from '../domain/entity.ts'
import { toLedgerError } from '../domain/ledger-error.ts'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import type { RunStatus } from '../domain/sync-run.ts'
import type { CompanyReader } from '../quickbooks/quickbooks.ts'
import { captureChanges, takeTombstonesFirst } from './capture-changes.ts'
import { endFailed, type FailedOutcome, type Signals } from './end-failed.ts'
import { fenced } from './fenced.ts'
import { finishRun } from './finish-run.ts'
import { keepLease } from './keep-lease.ts'
import { listEntity } from './list-entity.ts'
import { openRun, type OpenedRun, type Skip } from './open-run.ts'
import { remap } from './remap.ts'
import { changedRecords, happened } from './report.ts'
import { retryRejects } from './retry-rejects.ts'
import { countsOf, resumableListing, stateOf, type Run } from './run.ts'

export interface ReaderAccess {
  readonly realmId: string
  readonly homeCurrency: () => string | null
  readonly onCall: (call: QuickBooksCall) => void
  readonly onConnection: OnConnection
  readonly signal: AbortSignal
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

// Change data capture reaches back 30 days; the day less is for clocks and for a run that takes its time.
const CAPTURE_WINDOW_MS = 29 * 86_400_000

/**
 * One run for one company: takes the lease, fetches, decides, writes, and ends the run one way or the other.
 *
 * @param stop aborts when the process is asked to stop: the run is then closed as abandoned and asked for again.
 */
export async function runCompany(
  options: SyncOptions,
  realmId: string,
  stop: AbortSignal,
): Promise<RunOutcome> {
  const opened = await openRun(options.database, realmId)
  if (typeof opened === 'string') return { kind: 'skipped', reason: opened }
  const lease = keepLease(options.database, opened.id, options.log)
  try {
    const signal = AbortSignal.any([stop, lease.signal])
    return await carryOut(options, beginRun(options, realmId, opened, signal), { stop, signal })
  } finally {
    lease.release()
  }
}

async function carryOut(options: SyncOptions, run: Run, signals: Signals): Promise<RunOutcome> {
  try {
    await takeEverything(run)
    const finished = await finishRun(run)
    return { kind: 'finished', runId: run.id, ...finished }
  } catch (thrown) {
    return await endFailed(options, run, thrown, signals)
  } finally {
    logRun(options.log, run)
  }
}

function beginRun(options: SyncOptions, realmId: string, opened: OpenedRun, signal: AbortSignal): Run {
  const run: Run = {
    ...opened,
    realmId,
    database: options.database,
    reader: options.openReader({
      realmId,
      homeCurrency: () => run.homeCurrency,
      onCall: (call) => noteCall(run, call),
      onConnection: (mark) => {
        run.connection = mark
      },
      signal,
    }),
    connection: undefined,
    firstAnswerAt: null,
    watermarks: new Map(),
    counts: new Map(),
    unrecordedCalls: [],
    requests: 0,
    meteredCalls: 0,
  }
  return run
}

function noteCall(run: Run, call: QuickBooksCall): void {
  run.unrecordedCalls.push(call)
  run.requests += 1
  if (call.metered) run.meteredCalls += 1
}

async function takeEverything(run: Run): Promise<void> {
  await remap(run)
  if (needsListing(run)) await takeFull(run, { toldFirst: false })
  else if (run.mode === 'full') await takeFull(run, { toldFirst: true })
  else if (!(await takeIncremental(run))) await takeFull(run, { toldFirst: false })
  await retryRejects(run)
}

/** True for a company never synced, and for one whose watermarks are older than change data capture reaches. */
function needsListing(run: Run): boolean {
  const watermarks = ENTITIES.flatMap((entity) => stateOf(run, entity).watermark?.getTime() ?? [])
  const oldest = Math.min(...watermarks)
  return watermarks.length === 0 || run.startedAt.getTime() - oldest > CAPTURE_WINDOW_MS
}

/** @returns false when change data capture does not reach back as far as it would have to. */
async function takeIncremental(run: Run): Promise<boolean> {
  const listed = ENTITIES.filter(
    (entity) => stateOf(run, entity).watermark === null || resumableListing(run, entity) !== null,
  )
  const captured = ENTITIES.filter((entity) => !listed.includes(entity))
  try {
    const startedAt = captured.length > 0 ? await captureChanges(run, captured) : await readCompany(run)
    for (const entity of listed) await listEntity(run, entity, startedAt)
    return true
  } catch (error) {
    if (toLedgerError(error).code !== 'window_exceeded') throw error
    return false
  }
}

async function takeFull(run: Run, { toldFirst }: { readonly toldFirst: boolean }): Promise<void> {
  run.mode = 'full'
  const startedAt = await readCompany(run)
  const known = ENTITIES.filter((entity) => stateOf(run, entity).watermark !== null)
  if (toldFirst) await takeTombstonesFirst(run, known)
  for (const entity of ENTITIES) await listEntity(run, entity, startedAt)
}

/** Reads the company's own record. @returns QuickBooks' time of the answer. */
async function readCompany(run: Run): Promise<Date> {
  const info = await run.reader.companyInfo()
  run.firstAnswerAt ??= info.observedAt
  const { homeCurrency } = await run.reader.preferences()
  run.homeCurrency = homeCurrency ?? run.homeCurrency
  await fenced(run, async (tx) => {
    await tx.trx.raw(
      `UPDATE companies
          SET name = coalesce(given_name, :name, name), country = coalesce(:country, country),
              time_zone = coalesce(:timeZone, time_zone), home_currency = coalesce(:homeCurrency, home_currency)
        WHERE realm_id = :realmId`,
      { ...info, homeCurrency: run.homeCurrency, realmId: run.realmId },
    )
  })
  return info.observedAt
}

function logRun(log: Logger, run: Run): void {
  log.info('sync run ended', {
    runId: run.id,
    realmId: run.realmId,
    trigger: run.trigger,
    mode: run.mode,
    requests: run.requests,
    meteredCalls: run.meteredCalls,
    changed: changedRecords(run),
    durationMs: run.database.clock.now().getTime() - run.startedAt.getTime(),
    records: whatHappened(run),
  })
}

/** An idle company's line stays short. */
function whatHappened(run: Run): Record<string, object> {
  const counts = ENTITIES.map((entity) => [entity, happened(countsOf(run, entity))] as const)
  return Object.fromEntries(counts.filter(([, happening]) => Object.keys(happening).length > 0))
}
