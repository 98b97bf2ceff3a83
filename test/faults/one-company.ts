import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { FaultKind, FaultSpec } from '../../src/sandbox/faults.ts'
import { answering, startLoopbackServer, type LoopbackServer } from '../quickbooks/loopback-server.ts'
import { companyRow, expectAtRest, expectSound } from '../sync/invariants.ts'
import {
  FAULTS_NEVER_EARNED,
  FAULTS_OF_A_COMPANY_OR_THE_APP,
  FAULTS_OF_ONE_COMPANY,
  triesFrom,
  type Answered,
} from './answers.ts'
import {
  expectComplete,
  expectUndisturbed,
  HOUR_TIMEOUT_MS,
  leave,
  MINUTES,
  playHour,
  playUntilComplete,
  register,
  runsSince,
  settle,
  thisMoment,
  TICK_SECONDS,
  totalOf,
  type Hour,
  type Moment,
} from './hour.ts'
import { startService, type Service } from './service.ts'
import { BY_TEST } from '../setup/doer.ts'

export type Phase = 'backfill' | 'incremental'

interface Case {
  readonly name: string
  readonly answered: Answered
  /** Lets it happen to a company, until `mend`. */
  readonly plant: (service: Service, realmId: string) => Promise<void> | void
  readonly callsARun: number
  /** Looked at each minute until another company was read since it began. */
  readonly isAmbiguous: boolean
  /** Calls that the simulator did not see. */
  readonly callsElsewhere: () => number
  readonly mend: () => Promise<void> | void
}

// A run stops at the first call that fails: a renewal of the token, the call, and its one repetition.
const CALLS_A_RUN = 3

// Every hour has its share of each kind of answer. More would mean more than four companies throttled at a time,
// which is no matter of one company any more.
const HOURS = 3
// A few may fail at the same time; whoever is well is never late for any of them.
const WELL = 3

/** The tests of companies that are sick for an hour, each in its own way, beside some that are well. */
export function describeHours(phase: Phase, realmPrefix: string): void {
  let service: Service

  beforeAll(async () => {
    service = await startService()
  })

  afterAll(() => service.close())

  describe.each(deal(allCases(), HOURS))('in hour $hour', ({ hour: number, cases }) => {
    const realm = (index: number) => `${realmPrefix}${number}${String(index).padStart(3, '0')}`
    // The sick come first in everything.
    const sick = cases.map((_, index) => realm(index))
    const well = Array.from({ length: WELL }, (_, index) => realm(900 + index))
    const [newcomer, ...settled] = well as [string, ...string[]]
    const rows = cases.map((each, index) => ({ ...each, realmId: realm(index) }))
    const all = [...sick, ...well]
    let hour: Hour
    let mended: Moment
    let complete: ReadonlyMap<string, number>

    beforeAll(async () => {
      await settle(service, phase === 'incremental' ? [...sick, ...settled] : settled)
      await register(service, phase === 'incremental' ? [newcomer] : [...sick, newcomer])
      for (const { plant, realmId } of rows) await plant(service, realmId)
      const newcomers = phase === 'incremental' ? [newcomer] : [...sick, newcomer]
      hour = await playHour(service, { realmIds: all, newcomers })
    }, HOUR_TIMEOUT_MS)

    afterAll(() => leave(service, all))

    test.each(rows)('$name is answered as the table of errors says', async (row) => {
      const { runs } = hour.of(row.realmId)
      const { code, status } = row.answered
      const expected = expectedMinutes(hour, row, [newcomer, ...settled])
      expect(runs).toEqual(expected.map((minute) => ({ minute, status: 'failed', code })))
      expect(await companyRow(service.mirror, row.realmId)).toMatchObject({
        status,
        status_code: status === 'active' ? null : code,
        failures_in_a_row: runs.length,
        failing_code: code,
      })
    })

    test.each(rows)('$name costs no more calls than its waits allow', ({ realmId, ...row }) => {
      const { runs, calls } = hour.of(realmId)
      // One more for the token that had ended.
      expect(calls + row.callsElsewhere()).toBeLessThanOrEqual(runs.length * row.callsARun + 1)
      expect(calls + row.callsElsewhere()).toBeGreaterThanOrEqual(runs.length)
    })

    test.each(rows)('$name is told: failures by their code, and a lag that rises', async (row) => {
      const { runs, lagSeconds } = hour.of(row.realmId)
      expect(lagSeconds).toEqual(Array.from({ length: MINUTES }, (_, index) => (index + 1) * TICK_SECONDS))
      const labels = { realm_id: row.realmId, code: row.answered.code }
      expect(await totalOf(service, 'ledger_company_sync_failures_total', labels)).toBe(runs.length)
    })

    test('the failures of all companies add up, by their codes', async () => {
      const { totals } = await service.metrics()
      const failures = totals.filter(({ metric }) => metric === 'ledger_company_sync_failures_total')
      for (const [code, ofCode] of Map.groupBy(failures, ({ labels }) => labels['code']!)) {
        const sum = ofCode.reduce((added, { total }) => added + total, 0)
        expect(await totalOf(service, 'ledger_sync_failures_total', { code })).toBe(sum)
      }
    })

    test.each(well)('%s, which is well, is synced as ever', (realmId) => {
      expectUndisturbed(hour.of(realmId))
    })

    test('calls are paused for nobody', async () => {
      expect(await service.pause()).toBeNull()
    })

    describe('and afterwards', () => {
      beforeAll(async () => {
        const { mirror, operate } = service
        mended = await thisMoment(service)
        mirror.sandbox.faults.clear()
        for (const { realmId, mend, answered } of rows) {
          await mend()
          service.reroute(realmId, null)
          if (answered.mended === 'by resuming') await operate.resumeCompany(realmId, BY_TEST)
          if (answered.mended === 'by new tokens')
            await operate.registerCompany(newTokens(service, realmId), BY_TEST)
        }
        const longest = Math.max(...rows.map((row) => row.answered.withinMinutes))
        complete = await playUntilComplete(service, all, longest)
      }, HOUR_TIMEOUT_MS)

      test.each(rows)('$name is got over in time: $answered.mended', async ({ realmId, answered }) => {
        const [first] = await runsSince(service, realmId, mended)
        expect(first).toMatchObject({ status: 'succeeded' })
        expect(first!.minute).toBeLessThanOrEqual(answered.withinMinutes)
        expect(complete.get(realmId)).toBeLessThanOrEqual(answered.withinMinutes)
        expect(await companyRow(service.mirror, realmId)).toMatchObject({
          status: 'active',
          status_code: null,
          failures_in_a_row: 0,
          failing_since: null,
          failing_code: null,
          not_before: null,
          not_before_code: null,
        })
      })

      test.each(all)('%s is what its books are, and nothing is lost', async (realmId) => {
        await expectComplete(service, realmId)
      })

      test(
        'everything is at rest',
        async () => {
          await expectSound(service.mirror)
          service.mirror.clock.move({ minutes: 15 })
          await service.beat()
          for (const realmId of all) await expectAtRest(service.mirror, realmId)
        },
        HOUR_TIMEOUT_MS,
      )
    })
  })
}

/** In which minutes of the hour a sick company is tried. */
function expectedMinutes(
  hour: Hour,
  { realmId, answered, isAmbiguous }: Case & { realmId: string },
  well: string[],
) {
  const first = hour.of(realmId).due[0]!
  if (!isAmbiguous) return triesFrom(first, answered)
  // The first look that comes after somebody else was read is the last.
  const read = well.flatMap((other) => hour.of(other).due).filter((minute) => minute > first)
  return Array.from({ length: Math.min(...read) + 2 - first }, (_, index) => first + index)
}

function allCases(): Case[] {
  const ofSimulator = [
    ...Object.entries(FAULTS_OF_ONE_COMPANY),
    ...Object.entries(FAULTS_OF_A_COMPANY_OR_THE_APP),
  ] as [FaultKind, Answered][]
  return [
    ...ofSimulator.map(([kind, answered]) => caseOf(kind, answered)),
    ...Object.entries(FAULTS_NEVER_EARNED).map(([name, answered]) => caseElsewhere(name, answered)),
  ]
}

function caseOf(kind: FaultKind, answered: Answered): Case {
  return {
    name: kind,
    answered,
    plant: (service, realmId) => {
      // Only what hangs anyway is given up so soon.
      if (kind === 'hang') service.reroute(realmId, { callTimeoutMs: 30 })
      if (kind === 'tokenHang') service.reroute(realmId, { tokenTimeoutMs: 30 })
      service.mirror.sandbox.faults.add(specOf(kind, realmId))
    },
    callsARun: CALLS_A_RUN,
    isAmbiguous: kind in FAULTS_OF_A_COMPANY_OR_THE_APP,
    callsElsewhere: () => 0,
    mend: () => undefined,
  }
}

/** A fault that stands in front of the simulator. */
function caseElsewhere(name: string, answered: Answered): Case {
  let gateway: LoopbackServer
  const [code = ''] = name.split(',')
  return {
    name,
    answered,
    plant: async (service, realmId) => {
      gateway = await startLoopbackServer(answering(400, faultText(code, name)))
      service.reroute(realmId, { apiBaseUrl: gateway.apiBaseUrl })
    },
    callsARun: CALLS_A_RUN,
    isAmbiguous: false,
    callsElsewhere: () => gateway.requests.length,
    mend: () => gateway.close(),
  }
}

function specOf(kind: FaultKind, realmId: string): FaultSpec {
  if (kind === 'enforceLimits') return { kind, realmId, monthlyQuota: 0 }
  return { kind, realmId }
}

function faultText(code: string, message: string): string {
  const error = { Message: message, Detail: message, code, element: '' }
  const time = '2026-11-02T02:00:00.000-08:00'
  return JSON.stringify({ Fault: { Error: [error], type: 'ValidationFault' }, time })
}

function newTokens({ mirror }: Service, realmId: string) {
  const { refreshToken } = mirror.sandbox.companies().find((each) => each.realmId === realmId)!
  return { realmId, refreshToken, accessToken: null, accessTokenExpiresAt: null, name: null }
}

/** Round by round, as cards are: each hour gets some of every sort. */
function deal(cases: readonly Case[], hours: number): { hour: number; cases: Case[] }[] {
  return Array.from({ length: hours }, (_, hand) => ({
    hour: hand + 1,
    cases: cases.filter((_case, index) => index % hours === hand),
  }))
}
