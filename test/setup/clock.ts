import type { Clock } from '../../src/db/clock.ts'

export interface TestClock extends Clock {
  /** Moves time on, or back. */
  move(by: { days?: number; hours?: number; minutes?: number; seconds?: number; ms?: number }): void
}

/** A clock that stands still until it is moved. */
export function createTestClock(start = '2026-11-02T10:00:00.000Z'): TestClock {
  let ms = new Date(start).getTime()
  return {
    now: () => new Date(ms),
    move({ days = 0, hours = 0, minutes = 0, seconds = 0, ms: milliseconds = 0 }) {
      ms += (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
    },
  }
}
