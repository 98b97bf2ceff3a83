import { describe, expect, test } from '@jest/globals'
import { createCollector } from '../../src/metrics/collector.ts'
import { keptLog } from '../setup/kept-log.ts'

const LONG_MS = 60_000

/** A collector, and what it logged. */
function open<Reading>(read: () => Promise<Reading>, timeoutMs = LONG_MS) {
  const { log, lines } = keptLog()
  return { collect: createCollector(read, { name: 'sync', timeoutMs, log }), lines }
}

describe('a collector', () => {
  test('scrapes that come together share one reading, and the next one reads again', async () => {
    let readings = 0
    const { collect } = open(async () => ++readings)
    expect(await Promise.all([collect(), collect(), collect()])).toEqual([1, 1, 1])
    expect(await collect()).toBe(2)
  })

  test('a reading that fails, at once or later, gives nothing and does not hinder the next', async () => {
    let fail = true
    const { collect } = open(async () => {
      if (fail) throw new Error('the database is away')
      return 'here'
    })
    expect(await collect()).toBeNull()
    fail = false
    expect(await collect()).toBe('here')
    const broken = open(() => {
      throw new Error('not even a promise')
    })
    expect(await broken.collect()).toBeNull()
  })

  test('a reading that takes too long gives nothing, and the next scrape does not wait for it', async () => {
    const answers = [new Promise<string>(() => {}), Promise.resolve('second')]
    const { collect } = open(() => answers.shift() ?? Promise.reject(new Error('no more')), 1)
    expect(await collect()).toBeNull()
    expect(await collect()).toBe('second')
  })

  test('tells why readings fail when they begin to, and when they succeed again, not at every scrape', async () => {
    let failure: Error | null = null
    const { collect, lines } = open(() => (failure ? Promise.reject(failure) : Promise.resolve('here')))
    await collect()
    for (const reason of ['away', 'still away']) {
      failure = new Error(reason)
      await collect()
      await collect()
    }
    failure = null
    await collect()
    await collect()
    failure = new Error('away again')
    await collect()
    expect(lines()).toMatchObject([
      {
        level: 'warn',
        message: 'readings of a collector fail',
        collector: 'sync',
        error: { message: 'away' },
      },
      { level: 'info', message: 'readings of a collector succeed again', collector: 'sync' },
      { level: 'warn', collector: 'sync', error: { message: 'away again' } },
    ])
  })

  test('tells of a reading that took too long', async () => {
    const { collect, lines } = open(() => new Promise(() => {}), 1)
    await collect()
    expect(lines()).toMatchObject([{ error: { message: 'the reading took longer than 1 ms' } }])
  })
})
