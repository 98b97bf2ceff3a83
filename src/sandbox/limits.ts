const PER_SECOND = 10
const PER_MINUTE = 500
const BATCHES_PER_MINUTE = 40
const SECOND_MS = 1000
const MINUTE_MS = 60_000

export interface Limiter {
  /** Notes a request of a company; false when Intuit would refuse it. Refused ones do not count. */
  admits(realmId: string, isBatch: boolean): boolean
}

/** Intuit's limits of requests by company: 10 a second, 500 a minute, 40 batches a minute, over sliding windows. */
export function createLimiter(now: () => number): Limiter {
  const seen = new Map<string, { atMs: number; isBatch: boolean }[]>()
  const admits = (realmId: string, isBatch: boolean) => {
    const atMs = now()
    const minute = (seen.get(realmId) ?? []).filter((call) => call.atMs > atMs - MINUTE_MS)
    const second = minute.filter((call) => call.atMs > atMs - SECOND_MS)
    const batches = minute.filter((call) => call.isBatch)
    seen.set(realmId, minute)
    if (minute.length >= PER_MINUTE || second.length >= PER_SECOND) return false
    if (isBatch && batches.length >= BATCHES_PER_MINUTE) return false
    minute.push({ atMs, isBatch })
    return true
  }
  return { admits }
}
