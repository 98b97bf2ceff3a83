import { describe, expect, test } from '@jest/globals'
import { wallClockMs } from '../../src/domain/company-time.ts'

const MORNING = new Date('2026-11-26T05:30:15.250Z')
const SUMMER = new Date('2026-07-01T05:30:15Z')

describe('the clock on the wall of a company', () => {
  test.each([
    ['UTC', MORNING, '2026-11-26T05:30:15.000Z'],
    ['Asia/Kolkata', MORNING, '2026-11-26T11:00:15.000Z'],
    ['Pacific/Kiritimati', MORNING, '2026-11-26T19:30:15.000Z'],
    ['America/Los_Angeles', MORNING, '2026-11-25T21:30:15.000Z'],
    ['America/Los_Angeles', SUMMER, '2026-06-30T22:30:15.000Z'],
    [null, MORNING, '2026-11-25T21:30:15.000Z'],
    [null, SUMMER, '2026-06-30T22:30:15.000Z'],
    ['Mars/Olympus', MORNING, '2026-11-25T21:30:15.000Z'],
  ])('in %s shows its own time, and Pacific time where the zone is unknown', (timeZone, moment, shown) => {
    expect(new Date(wallClockMs(moment, timeZone)).toISOString()).toBe(shown)
  })

  test('shows midnight as the first second of a day', () => {
    const midnight = new Date('2026-11-26T08:00:00Z')
    expect(new Date(wallClockMs(midnight, null)).toISOString()).toBe('2026-11-26T00:00:00.000Z')
  })
})
