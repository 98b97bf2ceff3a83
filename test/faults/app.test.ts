import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { FaultKind } from '../../src/sandbox/faults.ts'
import { expectAtRest, expectSound } from '../sync/invariants.ts'
import {
  expectComplete,
  expectUndisturbed,
  lagSeconds,
  leave,
  MINUTES,
  playHour,
  playUntilComplete,
  register,
  settle,
  TICK_SECONDS,
  type Hour,
} from './hour.ts'
import { startService, type Service } from './service.ts'

// One more than mean the app when they are refused alike.
const SETTLED = 5
// What is throttled for longer than this is out of calls.
const QUOTA_AFTER_MINUTES = 15
// A pause after a refusal of the app, and the tick after it.
const PAUSE_MINUTES = 5

let service: Service
let hours = 0
let settled: string[]
let newcomer: string
let all: string[]

beforeAll(async () => {
  service = await startService()
})

afterAll(() => service.close())

beforeEach(async () => {
  hours += 1
  const realm = (which: number) => `46208163330${String(hours).padStart(3, '0')}${which}`
  settled = Array.from({ length: SETTLED }, (_, index) => realm(index))
  newcomer = realm(9)
  all = [...settled, newcomer]
  await service.deploy()
  await settle(service, settled)
  await register(service, [newcomer])
})

afterEach(async () => {
  await expectSound(service.mirror)
  await leave(service, all)
})

const play = (eachMinute: (minute: number) => Promise<void> | void = () => undefined): Promise<Hour> =>
  playHour(service, { realmIds: all, newcomers: [newcomer], eachMinute })

const callsOf = (hour: Hour) => all.reduce((sum, realmId) => sum + hour.of(realmId).calls, 0)

const failuresOf = (hour: Hour) =>
  all.flatMap((realmId) => hour.of(realmId).runs).filter(({ status }) => status === 'failed')

/** Nobody was blamed: each company is as active as it was. */
async function expectNobodyBlamed(): Promise<void> {
  for (const realmId of all) {
    expect(
      await service.mirror.rows(
        `SELECT status, status_code AS code, status_changed_at = created_at AS "neverChanged"
           FROM companies WHERE realm_id = :realmId`,
        { realmId },
      ),
    ).toEqual([{ status: 'active', code: null, neverChanged: true }])
  }
}

/** Nobody was read, and everybody's lag says so. */
function expectNobodyRead(hour: Hour): void {
  for (const realmId of all) {
    const { runs, lagSeconds: lags } = hour.of(realmId)
    expect(runs.filter(({ status }) => status !== 'failed')).toEqual([])
    expect(lags.at(-1)).toBe(MINUTES * TICK_SECONDS)
  }
}

/** All is mended: every company is complete within these minutes, and then everything rests. */
async function expectMended(withinMinutes: number): Promise<void> {
  const complete = await playUntilComplete(service, all, withinMinutes)
  for (const realmId of all) await expectComplete(service, realmId)
  expect([...complete.keys()].toSorted()).toEqual(all)
  expect(await service.pause()).toBeNull()
  await expectNobodyBlamed()
  service.mirror.clock.move({ minutes: 15 })
  await service.beat()
  for (const realmId of all) await expectAtRest(service.mirror, realmId)
}

describe('an hour in which the app is refused for everybody', () => {
  /** In each minute of the hour, whether calls were paused and with which words. */
  async function playRefused(): Promise<{ hour: Hour; ready: string[] }> {
    const ready: string[] = []
    const hour = await play(async () => {
      ready.push((await service.pause())?.code ?? 'ready')
    })
    return { hour, ready }
  }

  /** One look every five minutes, by those who are next, until it lets itself be read again. */
  function expectLooks(hour: Hour, callsALook: number): void {
    const looks = new Set(failuresOf(hour).map(({ minute }) => minute))
    expect(failuresOf(hour).every(({ code }) => code === failuresOf(hour)[0]!.code)).toBe(true)
    expect(looks.size).toBeLessThanOrEqual(MINUTES / PAUSE_MINUTES)
    expect(callsOf(hour)).toBeLessThanOrEqual(looks.size * callsALook)
  }

  test('by a wrong secret after a deploy: calls stop, nobody is blamed, and the next deploy mends it', async () => {
    await service.deploy({ clientSecret: 'of another app' })
    const { hour, ready } = await playRefused()
    expectNobodyRead(hour)
    expect(failuresOf(hour).every(({ code }) => code === 'app_misconfigured')).toBe(true)
    // The first refusal stops everybody: one call every five minutes.
    expectLooks(hour, 1)
    // From the first minute on, but for the minute in which it is tried again.
    expect(ready.slice(1).filter((word) => word === 'ready').length).toBeLessThanOrEqual(
      MINUTES / PAUSE_MINUTES,
    )
    expect(new Set(ready)).toEqual(new Set(['ready', 'app_misconfigured']))
    await expectNobodyBlamed()
    await service.deploy()
    // It stands until a company was read, which is tried at once.
    expect(await service.pause()).toMatchObject({ until: service.mirror.clock.now() })
    await expectMended(15)
  })

  test('by a secret that was changed at Intuit and is put back there: it recovers by itself', async () => {
    const fault = service.mirror.sandbox.faults.add({ kind: 'invalidClient' })
    const { hour } = await playRefused()
    expectNobodyRead(hour)
    expectLooks(hour, 1)
    await expectNobodyBlamed()
    expect(await service.pause()).toMatchObject({ code: 'app_misconfigured' })
    service.mirror.sandbox.faults.remove(fault)
    await expectMended(15 + PAUSE_MINUTES)
  })

  test.each<FaultKind>(['auth100', 'forbidden3100'])(
    'by %s: calls stop, nobody is blamed, and it recovers by itself',
    async (kind) => {
      const fault = service.mirror.sandbox.faults.add({ kind })
      const { hour, ready } = await playRefused()
      expectNobodyRead(hour)
      expect(failuresOf(hour).every(({ code }) => code === 'needs_reauth')).toBe(true)
      await expectNobodyBlamed()
      expect(ready).toContain('app_misconfigured')
      // Nobody is looked at more than once a minute before it is seen, nor more than all once in five minutes after.
      const seen = ready.indexOf('app_misconfigured')
      const looks = seen * all.length + ((MINUTES - seen) / PAUSE_MINUTES) * all.length
      expect(failuresOf(hour).length).toBeLessThanOrEqual(looks)
      expect(ready.slice(seen).filter((word) => word === 'ready').length).toBeLessThanOrEqual(
        (MINUTES - seen) / PAUSE_MINUTES,
      )
      service.mirror.sandbox.faults.remove(fault)
      await expectMended(15 + PAUSE_MINUTES)
    },
  )

  test('by connections of a sandbox in production: nobody is called, nobody is blamed, the right settings mend it', async () => {
    await service.deploy({ environment: 'production' })
    const { hour, ready } = await playRefused()
    expect(callsOf(hour)).toBe(0)
    expectNobodyRead(hour)
    expect(failuresOf(hour).every(({ code }) => code === 'wrong_environment')).toBe(true)
    // It is each company's own, so that one that was connected here is read.
    expect(new Set(ready)).toEqual(new Set(['ready']))
    await expectNobodyBlamed()
    await service.deploy()
    await expectMended(15)
  })
})

test('an hour in production with the connection of one sandbox company: it alone is not called', async () => {
  const [stranger, ...others] = all as [string, ...string[]]
  await service.mirror.rows(`UPDATE connections SET environment = 'production' WHERE realm_id = :stranger`, {
    stranger,
  })
  const hour = await play()
  expect(hour.of(stranger).calls).toBe(0)
  expect(hour.of(stranger).lagSeconds.at(-1)).toBe(MINUTES * TICK_SECONDS)
  expect(hour.of(stranger).runs.length).toBeLessThanOrEqual(MINUTES / PAUSE_MINUTES + PAUSE_MINUTES)
  for (const realmId of others) expectUndisturbed(hour.of(realmId))
  await expectNobodyBlamed()
  expect(await service.pause()).toBeNull()
  await service.mirror.rows(`UPDATE connections SET environment = 'simulator' WHERE realm_id = :stranger`, {
    stranger,
  })
  await expectMended(15)
})

test.each<FaultKind>(['throttled429', 'quotaExhausted'])(
  'an hour in which everybody is throttled by %s: calls pause, nobody is blamed, and it recovers by itself',
  async (kind) => {
    const fault = service.mirror.sandbox.faults.add({ kind })
    const codes: (string | undefined)[] = []
    const hour = await play(async () => {
      codes.push((await service.pause())?.code)
    })
    expectNobodyRead(hour)
    expect(failuresOf(hour).every(({ code }) => code === 'throttled')).toBe(true)
    const [throttledIn, stoppedIn] = (['throttled', 'quota_exhausted'] as const).map((code) =>
      codes.indexOf(code),
    )
    expect(throttledIn).toBeGreaterThan(0)
    // What stands for a quarter of an hour is no throttling: from then on one company tries every five minutes.
    const first = Math.min(...failuresOf(hour).map(({ minute }) => minute))
    expect(stoppedIn! + 1 - first).toBeGreaterThanOrEqual(QUOTA_AFTER_MINUTES)
    expect(stoppedIn! + 1 - first).toBeLessThanOrEqual(QUOTA_AFTER_MINUTES + PAUSE_MINUTES)
    expect(new Set(codes.slice(stoppedIn))).toEqual(new Set(['quota_exhausted']))
    const until = failuresOf(hour).filter(({ minute }) => minute > throttledIn! && minute <= stoppedIn! + 1)
    const later = failuresOf(hour).filter(({ minute }) => minute > stoppedIn! + 1)
    // Each waits its 75 seconds; once five are throttled in turn, one more does it for all: one try in two minutes.
    expect(until.length).toBeLessThanOrEqual((stoppedIn! - throttledIn!) / 2 + all.length)
    expect(later.length).toBeLessThanOrEqual((MINUTES - stoppedIn!) / PAUSE_MINUTES)
    await expectNobodyBlamed()
    service.mirror.sandbox.faults.remove(fault)
    await expectMended(15 + PAUSE_MINUTES)
  },
)

test('an hour in which renewals are throttled as well: it is the quota at once, and it recovers by itself', async () => {
  service.mirror.sandbox.faults.add({ kind: 'quotaExhausted' })
  service.mirror.sandbox.faults.add({ kind: 'tokenThrottled429' })
  const codes: (string | undefined)[] = []
  const hour = await play(async () => {
    codes.push((await service.pause())?.code)
  })
  expectNobodyRead(hour)
  const stoppedIn = codes.indexOf('quota_exhausted')
  expect(new Set(codes.slice(0, stoppedIn))).toEqual(new Set([undefined]))
  expect(new Set(codes.slice(stoppedIn))).toEqual(new Set(['quota_exhausted']))
  const later = failuresOf(hour).filter(({ minute }) => minute > stoppedIn + 1)
  expect(later.length).toBeLessThanOrEqual((MINUTES - stoppedIn) / PAUSE_MINUTES)
  await expectNobodyBlamed()
  service.mirror.sandbox.faults.clear()
  await expectMended(15 + PAUSE_MINUTES)
})

test('an hour in which the budget of the month is spent: calls stop for all, and a larger one lifts it', async () => {
  const spent = service.mirror.sandbox.calls.meteredCount()
  const [used] = await service.mirror.rows<{ total: number }>(
    `SELECT sum(metered_calls) AS total FROM quickbooks_calls`,
  )
  expect(Number(used!.total)).toBe(spent)
  const budget = spent + 20
  await service.deploy({ monthlyCallBudget: budget })
  let stoppedIn = 0
  const hour = await play(async (minute) => {
    if (stoppedIn === 0 && (await service.pause())?.code === 'budget_spent') stoppedIn = minute
  })
  expect(stoppedIn).toBeGreaterThan(1)
  // What the runs of one tick cost that began before it was seen: the backfill at most.
  expect(service.mirror.sandbox.calls.meteredCount()).toBeGreaterThanOrEqual(budget)
  expect(service.mirror.sandbox.calls.meteredCount()).toBeLessThanOrEqual(budget + all.length)
  expect(failuresOf(hour)).toEqual([])
  expect(await service.pause()).toMatchObject({
    code: 'budget_spent',
    until: new Date('2026-12-01T00:00:00.000Z'),
  })
  await expectNobodyBlamed()
  for (const lag of (await lagSeconds(service)).values()) expect(lag).toBeGreaterThan(0)
  await service.deploy({ monthlyCallBudget: budget + 10_000 })
  await expectMended(15)
})

test.each<FaultKind>(['unavailable503Html', 'connectionReset'])(
  'an hour in which nobody is answered, by %s: each waits for itself, and all are complete within an interval',
  async (kind) => {
    const fault = service.mirror.sandbox.faults.add({ kind })
    const hour = await play()
    expectNobodyRead(hour)
    // Backoff alone bounds it: ten tries a company, and from its second failure on two entities are asked for alone
    // before a run gives up.
    expect(callsOf(hour)).toBeLessThanOrEqual(all.length * 11 * 3)
    expect(await service.pause()).toBeNull()
    await expectNobodyBlamed()
    service.mirror.sandbox.faults.remove(fault)
    await expectMended(15)
  },
)
