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

// Requests keep coming while a company is worked on; beyond these the next tick takes the next.
const RUNS_PER_JOB = 3

/**
 * What a job does: runs the company, and again while somebody asked during the run. A failure that the domain knows
 * is done with here; a defect is thrown, for the queue to try again.
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
    // A process that stops begins nothing: the request stands, and the next tick queues it again.
    for (let runs = 1; runs <= RUNS_PER_JOB && !stop.aborted; runs += 1) {
      const outcome = await run(realmId, stop)
      if (outcome.kind === 'failed' && outcome.fate.kind === 'retry') return outcome.error
      if (!isAskedAgain(outcome)) return null
    }
    return null
  } catch (thrown) {
    // Whoever runs the company has logged it: the queue is given no more than its code. Where Postgres was away before
    // the run began, the request stands and the next tick queues it again.
    return whyPostgresAway(thrown) === null ? toLedgerError(thrown) : null
  }
}

function isAskedAgain(outcome: RunOutcome): boolean {
  if (outcome.kind === 'finished') return outcome.askedAgain
  return outcome.kind === 'failed' && outcome.fate.kind === 'again'
}

/** The request of a company that a defect keeps from being synced stands; asked every minute it would do no better. */
async function postpone({ database, intervalSeconds, log }: PerformOptions, realmId: string): Promise<void> {
  const wait = database.transaction(async (tx) => {
    await tx.trx.raw(
      `UPDATE companies SET not_before = :notBefore, not_before_code = 'internal' WHERE realm_id = :realmId`,
      { realmId, notBefore: new Date(tx.now.getTime() + intervalSeconds * 1000) },
    )
  })
  // What the job failed for is what the queue is to keep, and a statement may hold what it must not.
  await wait.catch((error: unknown) =>
    log.error('company with a defect was not postponed', { realmId, error }),
  )
}
