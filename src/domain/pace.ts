/** Makes a call to Intuit when its turn has come, and gives what the call gives. */
export type InTurn = <Result>(call: () => Promise<Result>) => Promise<Result>

/** So many calls at most in any stretch of so many milliseconds, both ends included. */
export interface PaceLimit {
  readonly calls: number
  readonly withinMs: number
}

/**
 * What QuickBooks serves one company, 10 calls a second and 500 a minute, shared out between the run that holds the
 * company and everything else (registration, disconnect), which may call at the same moment from any process. Neither
 * has to know of the other: together they make at most 9 calls a second, 480 a minute, and 8 at once. The rest is for
 * calls that leave a moment apart and arrive together.
 */
export const RUN_PACE: readonly PaceLimit[] = [
  // Seven in any second are 420 in any minute by themselves: seven moments are all that a run hands on.
  { calls: 7, withinMs: 1_000 },
]
export const OUTSIDE_PACE: readonly PaceLimit[] = [
  { calls: 2, withinMs: 1_000 },
  { calls: 60, withinMs: 60_000 },
]
export const RUN_CALLS_AT_ONCE = 4
export const OUTSIDE_CALLS_AT_ONCE = 4

/**
 * How long the next call has to wait.
 *
 * @param agesMs how long ago each earlier call left, in any order; what is no longer remembered is left out.
 * @returns whole milliseconds; 0 when it may leave now.
 */
export function waitForTurnMs(agesMs: readonly number[], pace: readonly PaceLimit[]): number {
  const latestFirst = agesMs.toSorted((a, b) => a - b)
  const waits = pace.map(({ calls, withinMs }) => {
    const age = latestFirst[calls - 1]
    // A millisecond more, so that a call at each end of the stretch is one too few.
    return age === undefined ? 0 : withinMs + 1 - age
  })
  // Whole ones: a clock that shows a large number would not move by a fraction of one.
  return Math.ceil(Math.max(0, ...waits))
}

/** The ages that can still make a call wait. */
export function agesThatCount(agesMs: readonly number[], pace: readonly PaceLimit[]): number[] {
  const longest = Math.max(...pace.map(({ withinMs }) => withinMs))
  const most = Math.max(...pace.map(({ calls }) => calls))
  return agesMs
    .filter((age) => age <= longest)
    .toSorted((a, b) => a - b)
    .slice(0, most)
}
