import type { Clock } from '../../src/db/clock.ts'

export interface TestClock extends Clock {
  /** Moves time on, or back. */
  move(by: { days?: number; hours?: number; minutes?: number; seconds?: number; ms?: number }): void
}

/**
 * A clock that stands still until it is moved. Who sleeps by it is not held up, and has slept all the same.
 *
 * @param sleepMoves whether a sleep moves its time of day too.
 */
export function createTestClock(start = '2026-11-02T10:00:00.000Z', sleepMoves = false): TestClock {
  let ms = new Date(start).getTime()
  let elapsedMs = 0
  return {
    now: () => new Date(ms),
    elapsedMs: () => elapsedMs,
    sleep(waitMs) {
      if (sleepMoves) ms += waitMs
      elapsedMs += waitMs
      return Promise.resolve()
    },
    move({ days = 0, hours = 0, minutes = 0, seconds = 0, ms: milliseconds = 0 }) {
      const by = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
      ms += by
      elapsedMs += Math.max(0, by)
    },
  }
}
