import { rowsOfPrepared, type Database } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'

// Six heartbeats fit into the 30 seconds after which a lease lapses: one slow statement does not lose it.
const HEARTBEAT_MS = 5_000

export interface Lease {
  /** Aborts, with a LedgerError `lease_lost` as its reason, when the run is no longer the company's running one. */
  readonly signal: AbortSignal
  release(): void
}

/** Keeps a run's lease alive while its work is done. */
export function keepLease(database: Database, runId: number): Lease {
  const lost = new AbortController()
  const timer = setInterval(() => {
    beat(database, runId).then(
      (held) => {
        if (!held) lost.abort(new LedgerError('lease_lost', `run ${runId} no longer holds its company`))
      },
      // A database that cannot be reached takes the lease by itself, by letting it lapse.
      () => undefined,
    )
  }, HEARTBEAT_MS)
  timer.unref()
  return { signal: lost.signal, release: () => clearInterval(timer) }
}

async function beat(database: Database, runId: number): Promise<boolean> {
  const held = await rowsOfPrepared(
    database.knex,
    `UPDATE sync_runs SET heartbeat_at = clock_timestamp() WHERE id = :runId AND status = 'running' RETURNING id`,
    { runId },
  )
  return held.length > 0
}
