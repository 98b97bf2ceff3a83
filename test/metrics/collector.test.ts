import { describe, expect, test } from '@jest/globals'
import { createCollector } from '../../src/metrics/collector.ts'

const LONG_MS = 60_000

describe('a collector', () => {
  test('scrapes that come together share one reading, and the next one reads again', async () => {
    let readings = 0
    const collect = createCollector(async () => ++readings, LONG_MS)
    expect(await Promise.all([collect(), collect(), collect()])).toEqual([1, 1, 1])
    expect(await collect()).toBe(2)
  })

  test('a reading that fails, at once or later, gives nothing and does not hinder the next', async () => {
    let fail = true
    const collect = createCollector(async () => {
      if (fail) throw new Error('the database is away')
      return 'here'
    }, LONG_MS)
    expect(await collect()).toBeNull()
    fail = false
    expect(await collect()).toBe('here')
    const broken = createCollector(() => {
      throw new Error('not even a promise')
    }, LONG_MS)
    expect(await broken()).toBeNull()
  })

  test('a reading that takes too long gives nothing, and the next scrape does not wait for it', async () => {
    const answers = [new Promise<string>(() => {}), Promise.resolve('second')]
    const collect = createCollector(() => answers.shift() ?? Promise.reject(new Error('no more')), 1)
    expect(await collect()).toBeNull()
    expect(await collect()).toBe('second')
  })
})
