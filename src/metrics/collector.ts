/**
 * A reading for scrapes: those that come while one is under way share it, and one that fails or takes too long gives
 * null. Nothing is kept: an old value shown as a present one would hide exactly what the metrics are there to show.
 */
export function createCollector<Reading>(
  read: () => Promise<Reading>,
  timeoutMs: number,
): () => Promise<Reading | null> {
  let underWay: Promise<Reading | null> | null = null
  return () => {
    underWay ??= readWithin(read, timeoutMs).finally(() => {
      underWay = null
    })
    return underWay
  }
}

async function readWithin<Reading>(read: () => Promise<Reading>, timeoutMs: number): Promise<Reading | null> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs)
  })
  try {
    return await Promise.race([read(), timeout])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}
