import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Clock } from '../../src/db/clock.ts'
import { OUTSIDE_PACE, waitForTurnMs } from '../../src/domain/pace.ts'
import { createRunPace, type RunPace } from '../../src/sync/run-pace.ts'
import { mostWithin } from '../setup/pace.ts'

// Time as a bystander sees it, in whole milliseconds.
interface World {
  nowMs: number
}

const nothing = () => Promise.resolve()

/** The clock of one process: goes as fast as the true one and shows something else. */
function clockOf(world: World, aheadMs: number): Clock {
  return {
    now: () => new Date(world.nowMs + aheadMs),
    elapsedMs: () => world.nowMs + aheadMs,
    sleep(ms) {
      world.nowMs += Math.ceil(ms)
      return Promise.resolve()
    },
  }
}

type Step =
  | { readonly do: 'call'; readonly times: number; readonly pauseMs: number }
  | {
      readonly do: 'handOver'
      readonly aheadMs: number
      readonly givingMs: number
      readonly restMs: number
      readonly takingMs: number
    }

const pauses = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 1_500 }))
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('call' as const), times: fc.integer({ min: 1, max: 90 }), pauseMs: pauses }),
  fc.record({
    do: fc.constant('handOver' as const),
    aheadMs: fc.integer({ min: -86_400_000, max: 86_400_000 }),
    givingMs: pauses,
    restMs: pauses,
    takingMs: pauses,
  }),
)

/** Runs of one company, one after the other, each in a process with a clock of its own. @returns when calls left. */
async function runsOf(plan: readonly Step[], postgresAheadMs: number): Promise<number[]> {
  const world: World = { nowMs: 0 }
  const leftMs: number[] = []
  const open = (aheadMs: number, agesMs: readonly number[]): RunPace =>
    createRunPace({
      clock: clockOf(world, aheadMs),
      agesMs,
      signal: new AbortController().signal,
      assured: nothing,
    })
  let pace = open(0, [])
  for (const step of plan) {
    if (step.do === 'call') {
      for (let call = 0; call < step.times; call += 1) {
        world.nowMs += step.pauseMs
        await pace.inTurn(() => Promise.resolve(leftMs.push(world.nowMs)))
      }
      continue
    }
    // The ages travel to Postgres, which makes moments of its own clock of them, and back as ages.
    const given = pace.agesMs()
    world.nowMs += step.givingMs
    const moments = given.map((age) => world.nowMs + postgresAheadMs - age)
    world.nowMs += step.restMs
    const taken = moments.map((moment) => world.nowMs + postgresAheadMs - moment)
    world.nowMs += step.takingMs
    pace = open(step.aheadMs, taken)
  }
  return leftMs
}

/** Calls outside runs, as their turns in Postgres let them leave. */
function outsideCalls(gapsMs: readonly number[]): number[] {
  const leftMs: number[] = []
  let nowMs = 0
  for (const gap of gapsMs) {
    nowMs += gap
    nowMs += Math.ceil(
      waitForTurnMs(
        leftMs.map((left) => nowMs - left),
        OUTSIDE_PACE,
      ),
    )
    leftMs.push(nowMs)
  }
  return leftMs
}

describe('the pace of a company', () => {
  test('holds over hand-overs, beside calls outside runs, and whatever the clocks show', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 1, maxLength: 25 }),
        fc.array(pauses, { maxLength: 150 }),
        fc.integer({ min: -3_600_000, max: 3_600_000 }),
        fc.integer({ min: 0, max: 60_000 }),
        async (plan, gaps, postgresAheadMs, laterMs) => {
          const outside = outsideCalls(gaps).map((at) => at + laterMs)
          const all = [...(await runsOf(plan, postgresAheadMs)), ...outside]
          expect(mostWithin(all, 1_000)).toBeLessThanOrEqual(9)
          expect(mostWithin(all, 60_000)).toBeLessThanOrEqual(480)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('lets as many calls leave as it may, without a wait', async () => {
    const left = await runsOf([{ do: 'call', times: 70, pauseMs: 0 }], 0)
    expect(left.slice(0, 7)).toEqual(Array(7).fill(0))
    expect(left.at(-1)).toBe(9 * 1_001)
  })

  test('waits by whole milliseconds, by which every clock moves on', () => {
    expect(waitForTurnMs([0, 1_000.999_999_9], OUTSIDE_PACE)).toBe(1)
  })

  test('takes a call that left in the future for one that left just now', async () => {
    const world: World = { nowMs: 0 }
    const pace = createRunPace({
      clock: clockOf(world, 0),
      agesMs: Array<number>(7).fill(-3_600_000),
      signal: new AbortController().signal,
      assured: nothing,
    })
    expect(await pace.inTurn(() => Promise.resolve(world.nowMs))).toBe(1_001)
  })
})

describe('the turn of a call', () => {
  const paceWith = (over: Partial<Parameters<typeof createRunPace>[0]>) =>
    createRunPace({
      clock: clockOf({ nowMs: 0 }, 0),
      agesMs: [],
      signal: new AbortController().signal,
      assured: nothing,
      ...over,
    })

  test('is given to four at once', async () => {
    const { inTurn } = paceWith({})
    let [underWay, most] = [0, 0]
    const call = async () => {
      most = Math.max(most, (underWay += 1))
      await new Promise((resolve) => setImmediate(resolve))
      underWay -= 1
    }
    await Promise.all(Array.from({ length: 30 }, () => inTurn(call)))
    expect(most).toBe(4)
  })

  test('is not waited for once the run was told to end', async () => {
    const over = new AbortController()
    const sleep: Clock['sleep'] = (_ms, signal) =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
    const clock = { ...clockOf({ nowMs: 0 }, 0), sleep }
    const { inTurn } = paceWith({ clock, signal: over.signal, agesMs: Array<number>(7).fill(0) })
    const asked = inTurn(() => Promise.resolve(over.signal.aborted))
    over.abort()
    expect(await asked).toBe(true)
  })

  test('is not given to a run whose lease may be gone', async () => {
    const lost = new Error('gone')
    const { inTurn } = paceWith({ assured: () => Promise.reject(lost) })
    await expect(inTurn(() => Promise.resolve('called'))).rejects.toBe(lost)
  })
})
