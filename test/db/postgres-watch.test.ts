import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { createPostgresWatch, type PostgresWatch } from '../../src/db/postgres-watch.ts'
import { LedgerError } from '../../src/domain/ledger-error.ts'
import { keptLog } from '../setup/kept-log.ts'

const REFUSED = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })

let watch: PostgresWatch

afterEach(() => {
  watch.close()
  jest.useRealTimers()
})

function open() {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] })
  const kept = keptLog()
  const state = { isAway: true, pings: 0 }
  watch = createPostgresWatch({
    ping: () => {
      state.pings += 1
      return state.isAway ? Promise.reject(REFUSED) : Promise.resolve()
    },
    log: kept.log,
    elapsedMs: () => Date.now(),
  })
  const second = async () => {
    jest.advanceTimersByTime(1_000)
    await setImmediate()
  }
  const told = () =>
    kept.lines().map(({ level, message, reason, awaySeconds }) => ({ level, message, reason, awaySeconds }))
  return { state, second, told }
}

describe('a Postgres that goes away', () => {
  test('is told once when it goes and once when it is back, however many meet it', async () => {
    const { state, second, told } = open()
    // As pg, pg-boss and a run that could not be closed report it.
    for (const error of [
      REFUSED,
      { ...REFUSED, message: REFUSED.message },
      new LedgerError('internal', '', { cause: REFUSED }),
    ]) {
      expect(watch.saw(error)).toBe(true)
    }
    for (let seconds = 0; seconds < 3; seconds += 1) await second()
    expect(told()).toEqual([
      {
        level: 'error',
        message: 'Postgres does not answer: no company is synced until it does',
        reason: 'connect ECONNREFUSED 127.0.0.1:5432',
      },
    ])
    state.isAway = false
    await second()
    expect(told().slice(1)).toEqual([{ level: 'info', message: 'Postgres answers again', awaySeconds: 4 }])
    await second()
    expect(state.pings).toBe(4)
    watch.saw(REFUSED)
    expect(told()).toHaveLength(3)
  })

  test('is not what a call to QuickBooks met, nor a statement that was refused', () => {
    const { told } = open()
    const unreached = new LedgerError('unavailable', 'the connection to QuickBooks failed', {
      cause: REFUSED,
    })
    const refused = Object.assign(new Error('duplicate key'), { code: '23505', severity: 'ERROR' })
    for (const error of [unreached, refused, null, 'text']) expect(watch.saw(error)).toBe(false)
    expect(told()).toEqual([])
  })
})
