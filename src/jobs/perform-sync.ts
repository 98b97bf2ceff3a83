import type { Logger } from 'winston'
import type { Database } from '../db/database.ts'
import { whyPostgresAway } from '../db/postgres-away.ts'
import { toLedgerError, type LedgerError } from '../domain/ledger-error.ts'
import type { RunOutcome } from '../sync/run-company.ts'

export interface PerformOptions {
  readonly database: Database
  readonly run: (realmId: string, stop: AbortSignal) => Promise<RunOutcome>
  readonly intervalSeconds: number
  readonly log: Logger
}

export interface Attempt {
  readonly realmId: string
  /** True when pg-boss will not try the job again. */
  readonly last: boolean
  readonly stop: AbortSignal
}

// Requests may keep coming while a company is synced; after this many the next tick takes over.
const RUNS_PER_JOB = 3

/**
 * What a job does: syncs the company, and again if somebody asked during the run. Failures that the domain knows are
 * handled here; a defect is thrown, for the queue to retry.
 *
 * @throws Error without a cause and with a message that holds no secret: the queue stores it.
 */
export async function performSync(options: PerformOptions, attempt: Attempt): Promise<void> {
  const defect = await runWhileAsked(options, attempt)
  if (defect === null) return
  if (attempt.last) await postpone(options, attempt.realmId)
  throw new Error(`the sync of company ${attempt.realmId} failed: ${defect.code}`)
}

/** @returns the defect that ended it, if one did. */
async function runWhileAsked(
  { run }: PerformOptions,
  { realmId, stop }: Attempt,
): Promise<LedgerError | null> {
  try {
    // A stopping process starts nothing new: the request stays open, and the next tick queues it again.
    for (let runs = 1; runs <= RUNS_PER_JOB && !stop.aborted; runs += 1) {
      const outcome = await run(realmId, stop)
      if (outcome.kind === 'failed' && outcome.fate.kind === 'retry') return outcome.error
      if (!isAskedAgain(outcome)) return null
    }
    return null
  } catch (thrown) {
    // The run has logged it already: the queue gets only its code. If Postgres was away before the run began, the
    // request stands and the next tick queues it again.
    return whyPostgresAway(thrown) === null ? toLedgerError(thrown) : null
  }
}

function isAskedAgain(outcome: RunOutcome): boolean {
  if (outcome.kind === 'finished') return outcome.askedAgain
  return outcome.kind === 'failed' && outcome.fate.kind === 'again'
}

/** A company that a defect keeps from being synced keeps its request; trying every minute would not help. */
async function postpone({ database, intervalSeconds, log }: PerformOptions, realmId: string): Promise<void> {
  const wait = database.transaction(async (tx) => {
    await tx.trx.raw(
      `UPDATE companies SET not_before = :notBefore, not_before_code = 'internal' WHERE realm_id = :realmId`,
      { realmId, notBefore: new Date(tx.now.getTime() + intervalSeconds * 1000) },
    )
  })
  // The queue should keep why the job failed, and a database error may quote secrets.
  await wait.catch((error: unknown) =>
    log.error('company with a defect was not postponed', { realmId, error }),
  )
}
