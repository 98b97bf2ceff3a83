import { describe, expect, test } from '@jest/globals'
import { pacificMillisecond, pacificSecond, parseMoment } from '../../src/sandbox/pacific-time.ts'

describe('times as QuickBooks writes them', () => {
  test.each([
    ['2026-11-22T15:15:02.318Z', '2026-11-22T07:15:02-08:00'],
    ['2026-07-01T06:59:59Z', '2026-06-30T23:59:59-07:00'],
    ['2026-03-08T09:59:59Z', '2026-03-08T01:59:59-08:00'],
    ['2026-03-08T10:00:00Z', '2026-03-08T03:00:00-07:00'],
    ['2026-11-01T08:59:59Z', '2026-11-01T01:59:59-07:00'],
    ['2026-11-01T09:00:00Z', '2026-11-01T01:00:00-08:00'],
  ])('%s is %s', (utc, pacific) => {
    expect(pacificSecond(Date.parse(utc))).toBe(pacific)
  })

  test('agree with the time zone data of the platform all through a year', () => {
    const zone = new Intl.DateTimeFormat('sv-SE', {
      timeZone: 'America/Los_Angeles',
      dateStyle: 'short',
      timeStyle: 'medium',
    })
    const HOUR_MS = 3_600_000
    for (
      let atMs = Date.parse('2025-01-01T00:30:00Z');
      atMs < Date.parse('2026-01-01');
      atMs += 5 * HOUR_MS
    ) {
      expect(pacificSecond(atMs).slice(0, 19)).toBe(zone.format(atMs).replace(' ', 'T'))
    }
  })

  test('the time of an answer has milliseconds', () => {
    expect(pacificMillisecond(Date.parse('2026-11-22T15:15:02.318Z'))).toBe('2026-11-22T07:15:02.318-08:00')
  })
})

describe('times as a caller writes them', () => {
  test.each([
    ['2026-11-22T15:15:02Z', '2026-11-22T15:15:02Z'],
    ['2026-11-22T15:15:02.5+01:00', '2026-11-22T14:15:02.500Z'],
    ['2026-11-22T07:15:02', '2026-11-22T15:15:02Z'],
    ['2026-07-01', '2026-07-01T07:00:00Z'],
  ])('%s means %s', (written, utc) => {
    expect(parseMoment(written)).toBe(Date.parse(utc))
  })

  test.each(['2026-11-22T15:15:02 01:00', '2026-13-01', 'yesterday', ''])('%p is none', (written) => {
    expect(parseMoment(written)).toBeNull()
  })
})
