import type { Logger } from 'winston'

export interface CollectorOptions {
  /** As `ledger_collector_up` names it. */
  readonly name: string
  readonly timeoutMs: number
  /** Whether somebody tells of this error already, and of its end. */
  readonly isTold?: (error: unknown) => boolean
  readonly log: Logger
}

/**
 * A reading for scrapes: concurrent scrapes share it, and one that fails or takes too long yields null. Nothing is
 * cached: an old value shown as current would hide exactly what the metrics are there to show. The log says when and
 * why readings begin to fail and when they succeed again, not at every scrape.
 */
export function createCollector<Reading>(
  read: () => Promise<Reading>,
  { name, timeoutMs, isTold = () => false, log }: CollectorOptions,
): () => Promise<Reading | null> {
  let underWay: Promise<Reading | null> | null = null
  let isFailing = false
  const fail = (error: unknown): null => {
    if (isTold(error)) return null
    if (!isFailing) log.warn('readings of a collector fail', { collector: name, error })
    isFailing = true
    return null
  }
  const succeed = (reading: Reading): Reading => {
    if (isFailing) log.info('readings of a collector succeed again', { collector: name })
    isFailing = false
    return reading
  }
  return () => {
    underWay ??= within(timeoutMs, read)
      .then(succeed, fail)
      .finally(() => {
        underWay = null
      })
    return underWay
  }
}

/** @throws Error when the time is up; whatever the reading returns later is ignored. */
async function within<Reading>(timeoutMs: number, read: () => Promise<Reading>): Promise<Reading> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the reading took longer than ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([read(), timeout])
  } finally {
    clearTimeout(timer)
  }
}
