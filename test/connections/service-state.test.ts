import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Tx } from '../../src/db/database.ts'
import {
  claimTrial,
  endBudgetStop,
  forgetSettingsPause,
  isTrialDue,
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
                              stopped_since = NULL, throttled_companies = '{}'`,
  ),
)

const NOON = new Date('2026-11-02T12:00:00Z')
const ONE = new Date('2026-11-02T13:00:00Z')
const TWO = new Date('2026-11-02T14:00:00Z')

function pause(until: Date, code: CallsPause['code'] = 'throttled', reason = 'too many') {
  return connections.inTransaction((tx) => pauseCalls(tx, { until, code, reason }))
}

function read(now = NOON): Promise<CallsPause | null> {
  return readCallsPause(connections.database.knex, now)
}

describe('a pause of all calls', () => {
  test('holds until its moment and no longer', async () => {
    expect(await read()).toBeNull()
    await pause(ONE)
    expect(await read()).toEqual({ until: ONE, code: 'throttled', reason: 'too many', since: null })
    expect(await read(new Date(ONE.getTime() - 1))).not.toBeNull()
    expect(await read(ONE)).toBeNull()
  })

  test('is made longer by a longer one and not shorter by a shorter one', async () => {
    await pause(ONE)
    await pause(TWO)
    await pause(ONE)
    expect(await read()).toMatchObject({ until: TWO, since: null })
  })
})

describe('a stop of all calls', () => {
  const MISCONFIGURED = ['app_misconfigured', 'wrong secret'] as const
  const at =
    (now: Date) =>
    <Done>(work: (tx: Tx) => Promise<Done>) =>
      connections.inTransaction((tx) => work({ ...tx, now }))
  const events = () =>
    connections.rows(`SELECT realm_id AS "realmId", kind, actor, detail FROM company_events ORDER BY id`)

  beforeEach(() =>
    connections.rows('ALTER TABLE company_events DISABLE TRIGGER USER; DELETE FROM company_events'),
  )

  test('begins once and ends once, however often it is tried, and both are events', async () => {
    const begun = await at(NOON)((tx) =>
      pauseCalls(tx, { until: ONE, code: MISCONFIGURED[0], reason: MISCONFIGURED[1] }),
    )
    expect(begun).toEqual({ kind: 'stopped', code: MISCONFIGURED[0], reason: MISCONFIGURED[1], until: ONE })
    expect(
      await at(ONE)((tx) => pauseCalls(tx, { until: TWO, code: MISCONFIGURED[0], reason: 'again' })),
    ).toBeNull()
    expect(await read(TWO)).toEqual({ until: TWO, code: MISCONFIGURED[0], reason: 'again', since: NOON })
    expect(await at(TWO)((tx) => noteServed(tx, ONE))).toEqual({
      kind: 'resumed',
      code: MISCONFIGURED[0],
      stoppedSince: NOON,
    })
    expect(await read(NOON)).toBeNull()
    expect(await events()).toEqual([
      {
        realmId: null,
        kind: 'service_stopped',
        actor: 'service',
        detail: { code: MISCONFIGURED[0], reason: MISCONFIGURED[1], until: ONE.toISOString() },
      },
      {
        realmId: null,
        kind: 'service_resumed',
        actor: 'service',
        detail: { code: MISCONFIGURED[0], stoppedSince: NOON.toISOString() },
      },
    ])
  })

  test('is not ended by a run that began before it, nor the one of the budget by any', async () => {
    await at(NOON)((tx) => pauseCalls(tx, { until: ONE, code: MISCONFIGURED[0], reason: '' }))
    expect(await at(ONE)((tx) => noteServed(tx, NOON))).toBeNull()
    expect(
      await at(ONE)((tx) => pauseCalls(tx, { until: TWO, code: 'budget_spent', reason: '' })),
    ).toMatchObject({
      kind: 'stopped',
      code: 'budget_spent',
    })
    expect(await at(TWO)((tx) => noteServed(tx, TWO))).toBeNull()
    expect(await at(TWO)((tx) => endBudgetStop(tx))).toMatchObject({ kind: 'resumed', stoppedSince: ONE })
    expect(await at(TWO)((tx) => endBudgetStop(tx))).toBeNull()
  })

  test('is not replaced by companies that are throttled, which may only make it longer', async () => {
    await at(NOON)((tx) => pauseCalls(tx, { until: ONE, code: MISCONFIGURED[0], reason: 'wrong secret' }))
    expect(await pause(TWO)).toBeNull()
    expect(await read()).toEqual({ until: TWO, code: MISCONFIGURED[0], reason: 'wrong secret', since: NOON })
  })

  test('allows one try when its pause is over, and another one later if nothing came of it', async () => {
    await at(NOON)((tx) => pauseCalls(tx, { until: ONE, code: MISCONFIGURED[0], reason: '' }))
    const due = async (now: Date) => isTrialDue((await read(now))!, now)
    expect([await due(NOON), await due(ONE)]).toEqual([false, true])
    const claims = await Promise.all([1, 2, 3].map(() => at(ONE)(claimTrial)))
    expect(claims.filter(Boolean)).toHaveLength(1)
    expect([await due(ONE), await due(new Date(ONE.getTime() + 300_000))]).toEqual([false, true])
  })

  test('is over when release 0.1.0 clears its pause, and no later pause is taken for it', async () => {
    await at(NOON)((tx) => pauseCalls(tx, { until: ONE, code: MISCONFIGURED[0], reason: '' }))
    await connections.rows(
      `UPDATE service_state SET calls_paused_until = NULL, calls_paused_code = NULL, calls_paused_reason = NULL`,
    )
    expect(await read()).toBeNull()
    await pause(ONE)
    expect(await read()).toMatchObject({ code: 'throttled', since: null })
    expect(
      await at(ONE)((tx) => pauseCalls(tx, { until: TWO, code: MISCONFIGURED[0], reason: '' })),
    ).toMatchObject({ kind: 'stopped' })
    expect(await read()).toMatchObject({ since: ONE })
  })

  test('because of the budget is not tried: the tick knows better', async () => {
    await at(NOON)((tx) => pauseCalls(tx, { until: ONE, code: 'budget_spent', reason: '' }))
    expect(isTrialDue((await read(TWO))!, TWO)).toBe(false)
  })

  test('because of settings is tried at once after a start, any other keeps its time', async () => {
    await at(NOON)((tx) => pauseCalls(tx, { until: TWO, code: MISCONFIGURED[0], reason: '' }))
    await forgetSettingsPause(connections.database.knex, ONE)
    expect(await read(ONE)).toMatchObject({ until: ONE, since: NOON })
    await at(ONE)((tx) => pauseCalls(tx, { until: TWO, code: 'budget_spent', reason: '' }))
    await forgetSettingsPause(connections.database.knex, ONE)
    expect(await read(ONE)).toMatchObject({ until: TWO })
  })
})

describe('throttled companies', () => {
  const note = (realmId: string, { at = NOON, ofTokens = false } = {}) =>
    connections.inTransaction((tx) => noteThrottled({ ...tx, now: at }, { realmId, ofTokens }))
  const throttled = async (realmId: string) => (await note(realmId)).companies
  const served = () => connections.inTransaction((tx) => noteServed(tx, NOON))

  test('are counted once each, until one is served', async () => {
    expect(await throttled('1')).toBe(1)
    expect(await throttled('2')).toBe(2)
    expect(await throttled('1')).toBe(2)
    await served()
    expect(await throttled('3')).toBe(1)
  })

  test('say since when, and whether renewals were among it, until one is served', async () => {
    expect(await note('1')).toEqual({ companies: 1, since: NOON, ofTokens: false })
    expect(await note('1', { at: ONE, ofTokens: true })).toEqual({
      companies: 1,
      since: NOON,
      ofTokens: true,
    })
    expect(await note('2', { at: ONE })).toEqual({ companies: 2, since: NOON, ofTokens: true })
    await served()
    expect(await note('2', { at: TWO })).toEqual({ companies: 1, since: TWO, ofTokens: false })
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
