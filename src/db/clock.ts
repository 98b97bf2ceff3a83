import { setTimeout as wait } from 'node:timers/promises'

/** The service's clock. Tests pass in one that they move; everything else uses this one. */
export interface Clock {
  /** Wall-clock time. */
  now(): Date
  /** Milliseconds since an arbitrary moment, by a clock that is never set. */
  elapsedMs(): number
  /** Waits this many milliseconds, or until the signal aborts. */
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
