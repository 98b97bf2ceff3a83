import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { outsideTurns } from '../../src/connections/outside-turns.ts'
import { systemClock, type Clock } from '../../src/db/clock.ts'
import { connect } from '../../src/db/connect.ts'
import { createDatabase, rowsOf, type Database } from '../../src/db/database.ts'
import { mostWithin } from '../setup/pace.ts'
import { createTestDatabase } from '../setup/test-database.ts'

const REALM = '4620816300000000801'
const OTHER_REALM = '4620816300000000802'

const cleanUp: (() => Promise<unknown>)[] = []
let url: string

beforeEach(async () => {
  const created = await createTestDatabase()
  url = created.url
  cleanUp.push(created.drop)
})

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

/** One more process. */
function startProcess(clock: Clock = systemClock()): Database {
  const knex = connect({ url, tls: 'off', poolMax: 4, applicationName: 'test', statementTimeoutMs: 20_000 })
  cleanUp.push(() => knex.destroy())
  return createDatabase(knex, clock)
}

describe('calls outside runs', () => {
  test('leave two a second at most, from whichever process', async () => {
    const processes = [startProcess(), startProcess()]
    const leftMs: number[] = []
    const call = () => Promise.resolve(leftMs.push(performance.now()))
    await Promise.all([0, 1, 0, 1, 0].map((process) => outsideTurns(processes[process]!, REALM)(call)))
    expect(leftMs).toHaveLength(5)
    expect(mostWithin(leftMs, 1_000)).toBe(2)
  })

  test('of one company do not wait for those of another', async () => {
    const sleeps: number[] = []
    const database = startProcess({ ...systemClock(), sleep: async (ms) => void sleeps.push(ms) })
    for (const realmId of [REALM, REALM, OTHER_REALM, OTHER_REALM]) {
      await outsideTurns(database, realmId)(() => Promise.resolve())
    }
    expect(sleeps).toEqual([])
  })

  test('are four at once at most; one of a process that died counts for a minute', async () => {
    const { clock, slept } = countingClock(3)
    const database = startProcess(clock)
    const ends: (() => void)[] = []
    const hanging = () => new Promise<void>((resolve) => ends.push(resolve))
    const four = [1, 2, 3, 4].map(async () => {
      await rowsOf(database.knex, `UPDATE outside_calls SET left_at = left_at - interval '2 seconds'`)
      return outsideTurns(database, REALM)(hanging)
    })
    while (ends.length < 4) await new Promise((resolve) => setImmediate(resolve))
    await rowsOf(database.knex, `UPDATE outside_calls SET left_at = left_at - interval '5 seconds'`)
    const fifth = outsideTurns(database, REALM)(() => Promise.resolve(ends.length))
    await slept()
    expect(await rowsOf(database.knex, 'SELECT FROM outside_calls')).toHaveLength(4)
    await rowsOf(database.knex, `UPDATE outside_calls SET left_at = left_at - interval '1 minute'`)
    expect(await fifth).toBe(4)
    for (const end of ends) end()
    await Promise.all(four)
  })

  test('that fail tell why, and no longer count as under way', async () => {
    const database = startProcess()
    const refused = new Error('refused')
    await expect(outsideTurns(database, REALM)(() => Promise.reject(refused))).rejects.toBe(refused)
    expect(await rowsOf(database.knex, 'SELECT FROM outside_calls WHERE ended_at IS NULL')).toEqual([])
  })

  test('are forgotten after some minutes', async () => {
    const database = startProcess()
    await outsideTurns(database, REALM)(() => Promise.resolve())
    await rowsOf(database.knex, `UPDATE outside_calls SET left_at = left_at - interval '11 minutes'`)
    await outsideTurns(database, OTHER_REALM)(() => Promise.resolve())
    expect(await rowsOf(database.knex, 'SELECT FROM outside_calls')).toHaveLength(1)
  })
})

/** A clock by which nobody really waits; tells when somebody has, so many times. */
function countingClock(times: number): { clock: Clock; slept: () => Promise<void> } {
  let [count, tell] = [0, (): void => undefined]
  const slept = () =>
    new Promise<void>((resolve) => {
      count = 0
      tell = resolve
    })
  const sleep = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    if ((count += 1) === times) tell()
  }
  return { clock: { ...systemClock(), sleep }, slept }
}
