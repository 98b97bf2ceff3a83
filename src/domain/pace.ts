/** Makes a call to Intuit when its turn comes, and returns the call's result. */
export type InTurn = <Result>(call: () => Promise<Result>) => Promise<Result>

/** At most this many calls in any stretch of this many milliseconds, both ends included. */
export interface PaceLimit {
  readonly calls: number
  readonly withinMs: number
}

/**
 * What QuickBooks serves one company, 10 calls a second and 500 a minute, shared out between the run that holds the
 * company and everything else (registration, disconnect), which may call at the same moment from any process. Neither
 * has to know about the other: together they make at most 9 calls a second, 480 a minute, and 8 at once. The margin is
 * for calls that leave at different moments and arrive together.
 */
export const RUN_PACE: readonly PaceLimit[] = [
  // Seven in any second already means at most 420 in any minute, so a run has only seven moments to hand on.
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
 * @param agesMs how long ago each earlier call left, in any order; forgotten calls are left out.
 * @returns whole milliseconds; 0 when it may leave now.
 */
export function waitForTurnMs(agesMs: readonly number[], pace: readonly PaceLimit[]): number {
  const latestFirst = agesMs.toSorted((a, b) => a - b)
  const waits = pace.map(({ calls, withinMs }) => {
    const age = latestFirst[calls - 1]
    // One millisecond more, because both ends of the stretch count.
    return age === undefined ? 0 : withinMs + 1 - age
  })
  // Whole milliseconds: on a clock with a large reading a fraction would be lost to rounding.
  return Math.ceil(Math.max(0, ...waits))
}

/** The ages that can still delay a call. */
export function agesThatCount(agesMs: readonly number[], pace: readonly PaceLimit[]): number[] {
  const longest = Math.max(...pace.map(({ withinMs }) => withinMs))
  const most = Math.max(...pace.map(({ calls }) => calls))
  return agesMs
    .filter((age) => age <= longest)
    .toSorted((a, b) => a - b)
    .slice(0, most)
}
