import { afterEach, describe, expect, test } from '@jest/globals'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { company, lastReport, OTHER_REALM, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'

describe('the first run of a company', () => {
  let mirror: TestMirror

  afterEach(() => mirror.close())

  test('mirrors every record as QuickBooks has it', async () => {
    mirror = await startMirror()
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    expect(await dumpMirror(mirror)).toEqual(expectedMirror(mirror))
  })

  test('is followed by one that makes a single metered call and writes no record', async () => {
    mirror = await startMirror()
    await mirror.sync()
    const before = await mirror.rows('SELECT xmin::text, * FROM bills ORDER BY qbo_id')
    mirror.clock.move({ minutes: 15 })
    mirror.sandbox.calls.clear()
    expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
    expect(mirror.sandbox.calls.meteredCount(REALM)).toBe(1)
    expect(await mirror.rows('SELECT xmin::text, * FROM bills ORDER BY qbo_id')).toEqual(before)
    expect(await mirror.rows('SELECT * FROM bills_history')).toEqual([])
  })

  test('keeps companies apart whose records share ids', async () => {
    mirror = await startMirror({
      companies: [
        company(),
        company({ realmId: OTHER_REALM, name: 'Other', records: 60, homeCurrency: 'EUR' }),
      ],
    })
    await mirror.sync(REALM)
    await mirror.sync(OTHER_REALM)
    const shared = await mirror.rows(
      `SELECT qbo_id FROM bills GROUP BY qbo_id HAVING count(DISTINCT realm_id) = 2 LIMIT 1`,
    )
    expect(shared).toHaveLength(1)
    expect(await dumpMirror(mirror, REALM)).toEqual(expectedMirror(mirror, REALM))
    expect(await dumpMirror(mirror, OTHER_REALM)).toEqual(expectedMirror(mirror, OTHER_REALM, 'EUR'))
  })

  test('lists companies of many pages in several currencies, and tells what it did', async () => {
    mirror = await startMirror({
      companies: [company({ records: 6_000, homeCurrency: 'EUR', multiCurrency: true })],
    })
    await mirror.sync()
    const expected = expectedMirror(mirror, REALM, 'EUR')
    expect(await dumpMirror(mirror)).toEqual(expected)
    const bills = Object.keys(expected).filter((key) => key.startsWith('bills ')).length
    expect(bills).toBeGreaterThan(1000)
    expect((await lastReport(mirror)).bill).toMatchObject({ fetched: bills, inserted: bills, rejected: 0 })
    expect(mirror.sandbox.writes()).toEqual([])
  })
})
