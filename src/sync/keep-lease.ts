import type { Knex } from 'knex'
import type { Logger } from 'winston'
import { rowsOfPrepared, type Database } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'

// Six heartbeats fit into the 30 seconds after which a lease lapses: one slow statement does not lose it.
export const HEARTBEAT_MS = 5_000
// After this nobody can be sure of the lease without asking: five seconds before it may lapse.
const ASSURED_MS = 25_000
// As long as a statement may take: without an answer by then, another connection is worth trying.
const BEATS_WAITED_FOR_ONE = 4

export interface Lease {
  /** Aborts, with a LedgerError `lease_lost` as its reason, when the run is no longer the company's running one. */
  readonly signal: AbortSignal
  /**
   * Resolves when the lease cannot have passed to another run: at once after a recent heartbeat, else after one more.
   *
   * @throws LedgerError `lease_lost`
   */
  assured(): Promise<void>
  release(): void
}

/**
 * Keeps a run's lease alive while its work is done, one heartbeat at a time.
 *
 * @param takenMs by the monotonic clock, a moment before the lease was taken.
 */
export function keepLease(
  database: Database,
  runId: number,
  { takenMs, log }: { readonly takenMs: number; readonly log: Logger },
): Lease {
  const lost = new AbortController()
  let assuredMs = takenMs
  let passedOver = BEATS_WAITED_FOR_ONE
  let isFailing = false
  const confirm = async () => {
    const askedMs = database.clock.elapsedMs()
    if (!(await beat(database.knex, runId))) {
      const error = new LedgerError('lease_lost', `run ${runId} no longer holds its company`)
      lost.abort(error)
      throw error
    }
    assuredMs = Math.max(assuredMs, askedMs)
    isFailing = false
  }
  // If the database stays away, the lease lapses by itself.
  const failed = (error: unknown) => {
    if (!isFailing && !lost.signal.aborted) log.warn('heartbeats of a run fail', { runId, error })
    isFailing = true
  }
  const timer = setInterval(() => {
    passedOver += 1
    if (passedOver < BEATS_WAITED_FOR_ONE) return
    passedOver = 0
    void confirm()
      .catch(failed)
      .then(() => {
        passedOver = BEATS_WAITED_FOR_ONE
      })
  }, HEARTBEAT_MS)
  timer.unref()
  return {
    signal: lost.signal,
    async assured() {
      if (database.clock.elapsedMs() - assuredMs > ASSURED_MS) await confirm()
    },
    release: () => clearInterval(timer),
  }
}

/**
 * Writes a heartbeat of a run. A run whose transaction holds the row is skipped: nobody takes its lease while that
 * lasts, and a long transaction writes its own.
 *
 * @returns false when the run is no longer running.
 */
export async function beat(on: Knex | Knex.Transaction, runId: number): Promise<boolean> {
  const running = await rowsOfPrepared(
    on,
    `WITH free AS (
       SELECT id FROM sync_runs WHERE id = :runId AND status = 'running' FOR NO KEY UPDATE SKIP LOCKED
     ), beaten AS (
       UPDATE sync_runs r SET heartbeat_at = clock_timestamp() FROM free WHERE r.id = free.id
     )
     SELECT id FROM sync_runs WHERE id = :runId AND status = 'running'`,
    { runId },
  )
  return running.length > 0
}
