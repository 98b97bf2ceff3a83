/** The most calls that any stretch of so many milliseconds holds, both ends included. */
export function mostWithin(timesMs: readonly number[], withinMs: number): number {
  const sorted = timesMs.toSorted((a, b) => a - b)
  let most = 0
  let first = 0
  for (const [last, atMs] of sorted.entries()) {
    while (atMs - sorted[first]! > withinMs) first += 1
    most = Math.max(most, last - first + 1)
  }
  return most
}
