import { describe, expect, test } from '@jest/globals'
import { startSandbox } from '../../src/sandbox/sandbox.ts'
import { company, START_MS } from './intuit.ts'

describe('the stream of business activity', () => {
  test('reaches lively companies alone, and ends with the simulator', async () => {
    const sandbox = await startSandbox({
      port: 0,
      directory: null,
      now: () => START_MS,
      seed: 7,
      companies: [
        company({ realmId: '1', records: 20, lively: true }),
        company({ realmId: '2', records: 20, lively: false }),
      ],
      clientId: 'client',
      clientSecret: 'secret',
      activityIntervalMs: 1,
    })
    const seen = () => JSON.stringify(sandbox.books('1').trialBalance())
    const quiet = sandbox.books('2').recordsText('Bill')
    const before = seen()
    while (seen() === before) await new Promise((resolve) => setImmediate(resolve))
    expect(sandbox.books('2').recordsText('Bill')).toEqual(quiet)
    await sandbox.stop()
    const after = seen()
    for (let turn = 0; turn < 1000; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(seen()).toBe(after)
  })
})
