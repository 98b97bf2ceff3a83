/** The service's clock. Tests hand in one they move; everything else asks this one. */
export interface Clock {
  /** Wall-clock time. */
  now(): Date
}

/** The machine's wall clock. */
export function systemClock(): Clock {
  return { now: () => new Date() }
}
