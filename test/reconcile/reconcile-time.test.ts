import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { dueReconciles, type ReconcileState } from '../../src/reconcile/reconcile-time.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
// Every night leaves each company an hour at least.
const LOOK_MS = 30 * MINUTE_MS
const START = Date.UTC(2026, 10, 2)
const ZONES = [null, 'America/New_York', 'Europe/Berlin', 'Asia/Tokyo', 'Pacific/Kiritimati', 'Mars/Olympus']

describe('the time of a complete listing', () => {
  test('comes within the round and a night, at night by the company’s own clock, and once a round', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.constantFrom(...ZONES),
        fc.integer({ min: 0, max: 400 * DAY_MS }),
        (days, phase, timeZone, after) => {
          const listedAt = new Date(START + after)
          const asked = askedTimes({ realmId: '1', timeZone, phase, lastListedAt: listedAt }, days, 3)
          expect(asked[0]!.getTime() - listedAt.getTime()).toBeLessThanOrEqual((days + 1) * DAY_MS)
          for (const moment of asked) {
            const hour = hourIn(moment, timeZone)
            expect(hour).toBeGreaterThanOrEqual(1)
            expect(hour).toBeLessThan(5)
          }
          for (const at of [1, 2]) {
            const gap = asked[at]!.getTime() - asked[at - 1]!.getTime()
            // An hour more or less where the clocks change, and the step between two looks.
            expect(Math.abs(gap - days * DAY_MS)).toBeLessThanOrEqual(60 * MINUTE_MS + LOOK_MS)
          }
        },
      ),
      { numRuns: 10 },
    )
  })

  test('spreads companies over the nights of a round and the hours of a night', () => {
    const companies = Array.from({ length: 700 }, (_, at) => state({ realmId: String(at), phase: at / 700 }))
    const nights = new Map<number, number>()
    const quarters = new Map<number, number>()
    const waiting = new Set(companies)
    for (let minute = 0; minute < 8 * 1440 && waiting.size > 0; minute += 5) {
      const now = new Date(START + minute * MINUTE_MS)
      for (const { realmId } of dueReconciles([...waiting], 7, now)) {
        waiting.delete(companies[Number(realmId)]!)
        const night = Math.floor(minute / 1440)
        nights.set(night, (nights.get(night) ?? 0) + 1)
        const quarter = Math.floor((minute % 1440) / 15)
        quarters.set(quarter, (quarters.get(quarter) ?? 0) + 1)
      }
    }
    expect(waiting.size).toBe(0)
    expect(nights.size).toBe(7)
    expect([...nights.values()].every((count) => count === 100)).toBe(true)
    expect(quarters.size).toBeGreaterThanOrEqual(12)
    expect(Math.max(...quarters.values())).toBeLessThan(70)
  })

  test('that was missed is the same minute of the next night, and any hour after three', () => {
    const company = state({ phase: 0 })
    // The first night of the round in which 2 November lies.
    const first = firstDue(company, 7, START)
    const later = (days: number, hours: number) =>
      isDue(company, 7, first + days * DAY_MS + hours * 3_600_000)
    expect(later(0, 3)).toBe(true)
    expect(later(0, 5)).toBe(false)
    expect(later(0, 12)).toBe(false)
    expect(later(0, 23)).toBe(false)
    expect(later(1, 0)).toBe(true)
    expect(later(2, 12)).toBe(false)
    expect(later(3, 0)).toBe(true)
    expect(later(3, 12)).toBe(true)
  })

  test('is not brought forward for companies of one night: each keeps its minute', () => {
    const company = state({ phase: 1 / 14 })
    const first = firstDue(company, 7, START)
    expect(isDue(company, 7, first + DAY_MS - MINUTE_MS)).toBe(false)
    expect(isDue(company, 7, first + DAY_MS)).toBe(true)
  })

  test('begins with the longest overdue', () => {
    const old = state({ realmId: 'old', lastListedAt: new Date(START - 60 * DAY_MS) })
    const older = state({ realmId: 'older', lastListedAt: new Date(START - 90 * DAY_MS) })
    const due = dueReconciles([old, older], 7, new Date(START + 9 * 3_600_000))
    expect(due.map(({ realmId }) => realmId)).toEqual(['older', 'old'])
  })

  test('of a company of unknown time zone is by Pacific time', () => {
    const pacific = firstDue(state({ timeZone: 'America/Los_Angeles' }), 7, START)
    expect(firstDue(state({ timeZone: null }), 7, START)).toBe(pacific)
    expect(firstDue(state({ timeZone: 'No/Where' }), 7, START)).toBe(pacific)
    expect(firstDue(state({ timeZone: 'UTC' }), 7, START)).not.toBe(pacific)
  })
})

function state(own: Partial<ReconcileState> = {}): ReconcileState {
  return { realmId: '1', timeZone: 'UTC', phase: 0.3, lastListedAt: new Date(START - DAY_MS), ...own }
}

function isDue(company: ReconcileState, days: number, atMs: number): boolean {
  return dueReconciles([company], days, new Date(atMs)).length === 1
}

function firstDue(company: ReconcileState, days: number, fromMs: number): number {
  for (let atMs = fromMs; ; atMs += MINUTE_MS) if (isDue(company, days, atMs)) return atMs
}

/** When the service would ask, each listing made at once. */
function askedTimes(company: ReconcileState, days: number, times: number): Date[] {
  const asked: Date[] = []
  let listedAt = company.lastListedAt
  let atMs = listedAt.getTime()
  while (asked.length < times) {
    atMs += LOOK_MS
    if (!isDue({ ...company, lastListedAt: listedAt }, days, atMs)) continue
    listedAt = new Date(atMs)
    asked.push(listedAt)
  }
  return asked
}

function hourIn(moment: Date, timeZone: string | null): number {
  const known = timeZone === null || timeZone === 'Mars/Olympus' ? 'America/Los_Angeles' : timeZone
  const shown = new Intl.DateTimeFormat('en-GB', { timeZone: known, hour: 'numeric', hourCycle: 'h23' })
  return Number(shown.format(moment))
}
