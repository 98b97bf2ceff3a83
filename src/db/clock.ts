import { setTimeout as wait } from 'node:timers/promises'

/** The service's clock. Tests hand in one they move; everything else asks this one. */
export interface Clock {
  /** Wall-clock time. */
  now(): Date
  /** Milliseconds since some moment, by a clock that nobody sets. */
  elapsedMs(): number
  /** Waits so many milliseconds, or until the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clocks. */
export function systemClock(): Clock {
  return {
    now: () => new Date(),
    elapsedMs: () => performance.now(),
    sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
  }
}
