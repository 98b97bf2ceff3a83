import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { lastDays, MOST_POINTS, readBalanceSeries } from '../../src/books/balance-series.ts'
import { insertBalance, insertSyncedCompany, NOW } from '../http/rows.ts'
import { openHttp, type OpenHttp } from '../http/open-http.ts'

describe('the last days of steps', () => {
  test.each([
    ['2026-03-01', '2026-03-03', 'day', ['2026-03-01', '2026-03-02', '2026-03-03']],
    ['2026-03-01', '2026-03-01', 'day', ['2026-03-01']],
    ['2026-03-02', '2026-03-01', 'day', []],
    ['2026-03-04', '2026-03-18', 'week', ['2026-03-08', '2026-03-15', '2026-03-18']],
    ['2026-03-08', '2026-03-09', 'week', ['2026-03-08', '2026-03-09']],
    ['2026-01-31', '2026-03-31', 'month', ['2026-01-31', '2026-02-28', '2026-03-31']],
    ['2023-12-15', '2024-02-29', 'month', ['2023-12-31', '2024-01-31', '2024-02-29']],
  ] as const)('from %s to %s by %s are %j', (from, to, step, days) => {
    expect(lastDays(from, to, step)).toEqual(days)
  })

  test('are bounded', () => {
    expect(lastDays('2020-01-01', '2022-12-31', 'day').length).toBeLessThan(MOST_POINTS)
    expect(() => lastDays('2000-01-01', '2026-01-01', 'day')).toThrow('more than')
  })
})

describe('a series of balances', () => {
  let http: OpenHttp

  beforeAll(async () => {
    http = await openHttp()
    const { knex } = http
    await insertSyncedCompany(knex, '1', { time_zone: 'America/New_York' })
    await insertBalance(knex, '1', '35')
    // As the trigger would have written them on those days: midnight of New York is five in the morning, four in summer.
    await knex.raw(
      'ALTER TABLE balances DISABLE TRIGGER USER; ALTER TABLE balances_history DISABLE TRIGGER USER',
    )
    const version = (balance: string, from: string, to: string) =>
      knex.raw(
        `INSERT INTO balances_history
         SELECT h.*
           FROM balances b
          CROSS JOIN LATERAL jsonb_populate_record(
                  NULL::balances_history,
                  to_jsonb(b) || jsonb_build_object('current_balance', CAST(:balance AS numeric),
                                                    'valid_from', CAST(:from AS timestamptz),
                                                    'valid_to', CAST(:to AS timestamptz))) h`,
        { balance, from, to },
      )
    await version('10.10', '2026-03-02T15:00:00Z', '2026-03-04T04:59:59Z')
    await version('20.20', '2026-03-04T04:59:59Z', '2026-03-04T05:00:00Z')
    await version('30.30', '2026-03-04T05:00:00Z', '2026-03-04T20:00:00Z')
    await knex('balances').update({ valid_from: '2026-03-04T20:00:00Z', current_balance: '40.404' })
  })

  afterAll(() => http.close())

  const series = async (query: string) =>
    (await http.send('get', `/api/companies/1/balances/35/series?${query}`).expect(200)).body.data as {
      date: string
      currentBalance: string | null
    }[]

  test('tells what the account showed at the end of each of its company’s days', async () => {
    expect(await series('from=2026-03-01&to=2026-03-05')).toEqual([
      { date: '2026-03-01', currentBalance: null },
      { date: '2026-03-02', currentBalance: '10.10' },
      { date: '2026-03-03', currentBalance: '20.20' },
      { date: '2026-03-04', currentBalance: '40.404' },
      { date: '2026-03-05', currentBalance: '40.404' },
    ])
  })

  test('ends on the company’s own date, and goes back a quarter of a year when not told', async () => {
    const days = await series('to=2030-01-01')
    expect(days).toHaveLength(91)
    expect(days.at(-1)).toEqual({ date: NOW.toISOString().slice(0, 10), currentBalance: '40.404' })
  })

  test('of an account that there is not, or of too many points, is refused', async () => {
    await http.send('get', '/api/companies/1/balances/36/series').expect(404)
    const { body } = await http.send('get', '/api/companies/1/balances/35/series?from=2000-01-01').expect(400)
    expect(body.errors).toEqual([{ field: 'step', message: expect.stringContaining('points') }])
    const options = { database: http.database, intervalSeconds: 900 }
    await expect(
      readBalanceSeries(options, { realmId: '9', qboId: '1', from: null, to: null, step: 'day' }),
    ).rejects.toMatchObject({ code: 'not_found' })
  })
})
