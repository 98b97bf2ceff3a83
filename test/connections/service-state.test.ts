import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  forgetSettingsPause,
  noteServed,
  noteThrottled,
  pauseCalls,
  readCallsPause,
  type CallsPause,
} from '../../src/connections/service-state.ts'
import { openConnections, type TestConnections } from './open-connections.ts'

let connections: TestConnections

beforeAll(async () => {
  connections = await openConnections([])
})

afterAll(() => connections.close())

beforeEach(() =>
  connections.rows(
    `UPDATE service_state SET calls_paused_until = NULL, calls_paused_code = NULL, calls_paused_reason = NULL,
                              throttled_companies = '{}'`,
  ),
)

const NOON = new Date('2026-11-02T12:00:00Z')
const ONE = new Date('2026-11-02T13:00:00Z')
const TWO = new Date('2026-11-02T14:00:00Z')

function pause(until: Date, code: CallsPause['code'] = 'throttled', reason = 'too many'): Promise<void> {
  return connections.inTransaction((tx) => pauseCalls(tx, { until, code, reason }))
}

function read(now = NOON): Promise<CallsPause | null> {
  return readCallsPause(connections.database.knex, now)
}

describe('a pause of all calls', () => {
  test('holds until its moment and no longer', async () => {
    expect(await read()).toBeNull()
    await pause(ONE)
    expect(await read()).toEqual({ until: ONE, code: 'throttled', reason: 'too many' })
    expect(await read(new Date(ONE.getTime() - 1))).not.toBeNull()
    expect(await read(ONE)).toBeNull()
  })

  test('is made longer by a longer one and not shorter by a shorter one', async () => {
    await pause(ONE)
    await pause(TWO, 'app_misconfigured', 'wrong secret')
    await pause(ONE)
    expect(await read()).toEqual({ until: TWO, code: 'app_misconfigured', reason: 'wrong secret' })
  })

  test.each([
    ['app_misconfigured', false],
    ['budget_spent', false],
    ['throttled', true],
  ] as const)('because of %s outlives a new start: %s', async (code, outlives) => {
    await pause(ONE, code)
    await forgetSettingsPause(connections.database.knex)
    expect((await read()) !== null).toBe(outlives)
  })
})

describe('throttled companies', () => {
  const throttled = (realmId: string) => connections.inTransaction((tx) => noteThrottled(tx, realmId))
  const served = () => connections.inTransaction((tx) => noteServed(tx))

  test('are counted once each, until one is served', async () => {
    expect(await throttled('1')).toBe(1)
    expect(await throttled('2')).toBe(2)
    expect(await throttled('1')).toBe(2)
    await served()
    expect(await throttled('3')).toBe(1)
  })

  test('are counted when they come at once', async () => {
    const counts = await Promise.all(['1', '2', '3'].map((realmId) => throttled(realmId)))
    expect(counts.sort()).toEqual([1, 2, 3])
  })

  test('cost nothing to forget when there are none', async () => {
    const version = () => connections.rows('SELECT xmin::text FROM service_state')
    const before = await version()
    await served()
    expect(await version()).toEqual(before)
  })
})
