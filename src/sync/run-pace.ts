import pLimit from 'p-limit'
import type { Clock } from '../db/clock.ts'
import { agesThatCount, RUN_CALLS_AT_ONCE, RUN_PACE, waitForTurnMs, type InTurn } from '../domain/pace.ts'

/** When the calls of one run may be sent, continuing from where the company's previous run ended. */
export interface RunPace {
  readonly inTurn: InTurn
  /** How long ago the last calls were sent: what the next run has to know. */
  agesMs(): number[]
}

export interface RunPaceOptions {
  readonly clock: Clock
  /** How long ago the last calls of the previous run were sent. */
  readonly agesMs: readonly number[]
  /** Ends the waiting; the call, which heeds it too, is then refused at once. */
  readonly signal: AbortSignal
  /** Resolves while the run holds the company; nobody else paces it meanwhile. */
  readonly assured: () => Promise<void>
}

export function createRunPace({ clock, agesMs, signal, assured }: RunPaceOptions): RunPace {
  const limit = pLimit(RUN_CALLS_AT_ONCE)
  // A time in the future was still in the past when the call was sent: Postgres' clock was set since.
  let leftMs = agesMs.map((age) => clock.elapsedMs() - Math.max(0, age))
  const ages = () => {
    const nowMs = clock.elapsedMs()
    return leftMs.map((left) => nowMs - left)
  }
  const turn = async () => {
    while (!signal.aborted) {
      await assured()
      const waitMs = waitForTurnMs(ages(), RUN_PACE)
      if (waitMs === 0) {
        const nowMs = clock.elapsedMs()
        leftMs = [nowMs, ...agesThatCount(ages(), RUN_PACE).map((age) => nowMs - age)]
        return
      }
      await clock.sleep(waitMs, signal)
    }
  }
  return {
    inTurn: (call) =>
      limit(async () => {
        await turn()
        return call()
      }),
    agesMs: () => agesThatCount(ages(), RUN_PACE),
  }
}

/**
 * For a statement that ends a run and updates its company: when the last calls were sent, by Postgres' clock, because
 * the clock of the next run's process may differ from ours. Its parameter is `callAgesMs`.
 */
export const RECENT_CALLS = `ARRAY(
  SELECT clock_timestamp() - make_interval(secs => age_ms / 1000) FROM unnest(CAST(:callAgesMs AS float8[])) AS age_ms)`
