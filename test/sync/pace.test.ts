import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { runCompany } from '../../src/sync/run-company.ts'
import { REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { mostWithin } from '../setup/pace.ts'

let mirror: TestMirror

beforeEach(async () => {
  mirror = await startMirror({ sleepMoves: true })
  mirror.sandbox.faults.add({ kind: 'enforceLimits' })
})

afterEach(() => mirror.close())

const times = () => mirror.sandbox.calls.list().map(({ atMs }) => atMs)

/** Calls of the last run that its company's next one has to know of. */
async function handedOn(): Promise<number> {
  const [row] = await mirror.rows<{ calls: number | null }>(
    `SELECT cardinality(recent_calls) AS calls FROM companies WHERE realm_id = '${REALM}'`,
  )
  return row!.calls ?? 0
}

describe('a complete run', () => {
  test('never makes more calls in a second than QuickBooks allows', async () => {
    for (let run = 1; run <= 3; run += 1) {
      expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'succeeded' })
    }
    expect(times().length).toBeGreaterThan(30)
    expect(mostWithin(times(), 1_000)).toBe(7)
    expect(mostWithin(times(), 60_000)).toBeLessThanOrEqual(500)
  })

  test('tells nobody that QuickBooks was slow while it waited for its turn', async () => {
    const durations: number[] = []
    const { options } = mirror
    await mirror.ask(REALM, { mode: 'full' })
    await runCompany(
      {
        ...options,
        openReader: (access) =>
          options.openReader({
            ...access,
            onCall(call) {
              durations.push(call.durationMs)
              access.onCall(call)
            },
          }),
      },
      REALM,
      new AbortController().signal,
    )
    expect(durations.length).toBeGreaterThan(7)
    expect(Math.max(...durations)).toBeLessThan(1_000)
  })
})

describe('a run', () => {
  test('begins in the pace of the one before it, whose process may have had another clock', async () => {
    await mirror.sync()
    await mirror.rows(
      `UPDATE companies SET recent_calls = array_fill(clock_timestamp() + interval '1 hour', ARRAY[7])`,
    )
    mirror.sandbox.calls.clear()
    await mirror.ask()
    const askedMs = mirror.clock.now().getTime()
    expect(await mirror.run()).toMatchObject({ status: 'succeeded' })
    expect(times()).toEqual([askedMs + 1_001])
  })

  test('that ends hands its pace on', async () => {
    await mirror.sync(REALM, { mode: 'full' })
    const now = mirror.clock.now().getTime()
    expect(await handedOn()).toBe(times().filter((atMs) => now - atMs <= 1_000).length)
  })

  test('that fails hands its pace on', async () => {
    await mirror.sync()
    await mirror.rows('UPDATE companies SET recent_calls = NULL')
    mirror.sandbox.faults.add({ kind: 'unavailable503Html', operation: 'cdc', times: 1 })
    expect(await mirror.sync()).toMatchObject({ kind: 'failed' })
    expect(await handedOn()).toBe(1)
  })

  test('that is stopped hands its pace on', async () => {
    await mirror.sync()
    await mirror.rows('UPDATE companies SET recent_calls = NULL')
    const stop = new AbortController()
    mirror.sandbox.faults.add({ kind: 'slow', delayMs: 50, operation: 'cdc', times: 1 })
    await mirror.ask()
    mirror.sandbox.calls.clear()
    const run = mirror.run(REALM, stop.signal)
    while (times().length === 0) await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    expect(await run).toMatchObject({ kind: 'abandoned' })
    expect(await handedOn()).toBe(1)
  })
})
