import { rowsOfPrepared, type Database } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'

// Six heartbeats fit into the 30 seconds after which a lease lapses: one slow statement does not lose it.
const HEARTBEAT_MS = 5_000
// After it nobody can say without asking that the lease is still held: five seconds before it may lapse.
const ASSURED_MS = 25_000

export interface Lease {
  /** Aborts, with a LedgerError `lease_lost` as its reason, when the run is no longer the company's running one. */
  readonly signal: AbortSignal
  /**
   * Resolves when the lease cannot have gone to another run: at once after a recent heartbeat, else after one more.
   *
   * @throws LedgerError `lease_lost`
   */
  assured(): Promise<void>
  release(): void
}

/**
 * Keeps a run's lease alive while its work is done.
 *
 * @param takenMs by the clock that nobody sets, a moment before the lease was taken.
 */
export function keepLease(database: Database, runId: number, takenMs: number): Lease {
  const lost = new AbortController()
  let assuredMs = takenMs
  const confirm = async () => {
    const askedMs = database.clock.elapsedMs()
    if (!(await beat(database, runId))) {
      const error = new LedgerError('lease_lost', `run ${runId} no longer holds its company`)
      lost.abort(error)
      throw error
    }
    assuredMs = Math.max(assuredMs, askedMs)
  }
  // A database that cannot be reached takes the lease by itself, by letting it lapse.
  const timer = setInterval(() => void confirm().catch(() => undefined), HEARTBEAT_MS)
  timer.unref()
  return {
    signal: lost.signal,
    async assured() {
      if (database.clock.elapsedMs() - assuredMs > ASSURED_MS) await confirm()
    },
    release: () => clearInterval(timer),
  }
}

async function beat(database: Database, runId: number): Promise<boolean> {
  const held = await rowsOfPrepared(
    database.knex,
    `UPDATE sync_runs SET heartbeat_at = clock_timestamp() WHERE id = :runId AND status = 'running' RETURNING id`,
    { runId },
  )
  return held.length > 0
}
