import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createHours } from '../../src/http/runs/read-hours.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import { insertCompany, insertRun, NOW, secondsBefore } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
  await insertCompany(http.knex, '1')
})

afterAll(() => http.close())

function run(secondsAgo: number, status = 'succeeded'): Promise<number> {
  return insertRun(http.knex, '1', {
    status,
    error_code: status === 'succeeded' ? null : 'unavailable',
    started_at: secondsBefore(secondsAgo),
    finished_at: secondsBefore(secondsAgo - 1),
  })
}

test('an hour that is over is counted once, the one that is not every time', async () => {
  const readHours = createHours(http.database)
  const until = new Date(NOW.getTime() + 600_000)
  const between = { since: secondsBefore(2 * 3600), until }
  await run(3 * 3600)
  await run(7000)
  await run(6000, 'failed')
  await run(-60)
  const told = (await readHours(between)).map(({ from, runs, failed }) => [from.getUTCHours(), runs, failed])
  expect(told).toEqual([
    [10, 2, 1],
    [11, 0, 0],
    [12, 1, 0],
  ])
  await run(-120, 'partial')
  http.statements.length = 0
  const again = (await readHours(between)).map(({ from, runs, failed }) => [from.getUTCHours(), runs, failed])
  expect(again).toEqual([
    [10, 2, 1],
    [11, 0, 0],
    [12, 2, 1],
  ])
  expect(http.statements[0]!.bindings).toEqual([NOW])
  const later = { since: NOW, until: new Date(NOW.getTime() + 2 * 3_600_000) }
  expect((await readHours(later)).map(({ runs }) => runs)).toEqual([2, 0, 0])
})
