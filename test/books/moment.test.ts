import { describe, expect, test } from '@jest/globals'
import { momentFrom, momentOf, timeOf } from '../../src/books/moment.ts'

describe('a time of Postgres', () => {
  test.each([
    ['2026-11-26 01:25:28.123456+00', '2026-11-26T01:25:28.123456Z'],
    ['2026-11-26 01:25:28.1234+00', '2026-11-26T01:25:28.123400Z'],
    ['2026-11-26 01:25:28+00', '2026-11-26T01:25:28.000000Z'],
    ['2026-11-26 01:25:28.5+02', '2026-11-25T23:25:28.500000Z'],
    ['2026-11-26 01:25:28.123456-03:30', '2026-11-26T04:55:28.123456Z'],
  ])('%s is the moment %s', (text, moment) => {
    expect(momentOf(text)).toBe(moment)
  })

  test('has milliseconds where nobody told more', () => {
    expect(timeOf('2026-11-26 01:25:28+00')).toBe('2026-11-26T01:25:28.000Z')
    expect(timeOf('2026-11-26 01:25:28.12+00')).toBe('2026-11-26T01:25:28.120Z')
  })

  test('that is none is refused', () => {
    expect(() => momentOf('infinity')).toThrow(RangeError)
  })
})

describe('a time that somebody wrote', () => {
  test.each([
    ['2026-01-31T08:00:00Z', '2026-01-31T08:00:00.000000Z'],
    ['2026-01-31T08:00:00.123456789Z', '2026-01-31T08:00:00.123456Z'],
    ['2026-01-31T08:00:00.1234+01:00', '2026-01-31T07:00:00.123400Z'],
    ['2026-01-31T08:00:00.5Z', '2026-01-31T08:00:00.500000Z'],
    ['0001-01-01T00:00:00+14:00', null],
    ['9999-12-31T23:59:59-14:00', null],
    ['yesterday', null],
  ])('%s is the moment %s', (text, moment) => {
    expect(momentFrom(text)).toBe(moment)
  })
})
