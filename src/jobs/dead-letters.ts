import type { PgBoss } from 'pg-boss'
import { ERROR_CODES, type ErrorCode } from '../domain/ledger-error.ts'
import { DEAD_LETTER_QUEUE, type SyncJob } from './queues.ts'

/** A job that was given up after its last retry. */
export interface DeadLetter {
  readonly id: string
  readonly realmId: string
  /** When it was given up. */
  readonly at: Date
  /** When it was first queued; null where the queue does not know. */
  readonly queuedAt: Date | null
  readonly attempts: number
  /** What the last attempt ended with; null when it did not end but lost its process. */
  readonly code: ErrorCode | null
  /** What the queue kept of it: one line. */
  readonly message: string
}

/** The jobs given up, oldest first. */
export async function readDeadLetters(boss: PgBoss): Promise<DeadLetter[]> {
  const jobs = await boss.findJobs<SyncJob>(DEAD_LETTER_QUEUE, { queued: true, limit: MOST })
  return jobs.map(({ id, data, createdOn, sourceCreatedOn, sourceRetryCount, sourceOutput }) => {
    const message = messageOf(sourceOutput)
    return {
      id,
      realmId: data.realmId,
      at: createdOn,
      queuedAt: sourceCreatedOn,
      attempts: (sourceRetryCount ?? 0) + 1,
      code: codeOf(message),
      message,
    }
  })
}

// One a company and retry period: more than these are one cause, and go in several turns.
const MOST = 1000

/** Takes jobs out of the queue of those given up. */
export async function removeDeadLetters(boss: PgBoss, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await boss.deleteJob(DEAD_LETTER_QUEUE, [...ids])
}

/** The message of an error as pg-boss stores it: itself, or a text in `value`. Its stack is nobody's business. */
export function messageOf(output: object | null): string {
  const { message, value } = (output ?? {}) as { message?: unknown; value?: unknown }
  const said = typeof message === 'string' ? message : value
  if (typeof said === 'string') return (said.split('\n')[0] ?? '').slice(0, LONGEST_MESSAGE)
  if (said !== null && typeof said === 'object') return messageOf(said)
  return 'nothing was kept of how it ended'
}

const LONGEST_MESSAGE = 300

/** performSync ends what it throws with a code. */
function codeOf(message: string): ErrorCode | null {
  const word = /: (\w+)$/.exec(message)?.[1]
  return ERROR_CODES.find((code) => code === word) ?? null
}
