import { expect, test } from '@jest/globals'
import { companyDate } from '../../src/http/api/company-date.ts'

// Evening of the day before in the Americas.
const NOW = new Date('2026-11-26T04:00:00Z')

test.each([
  ['UTC', '2026-11-26'],
  ['America/New_York', '2026-11-25'],
  ['Asia/Tokyo', '2026-11-26'],
  [null, '2026-11-25'],
  ['No/Where', '2026-11-25'],
])('the day of a company in zone %s is %s', (timeZone, day) => {
  expect(companyDate(NOW, timeZone)).toBe(day)
})
