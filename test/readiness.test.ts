import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createReadiness } from '../src/readiness.ts'
import { openHttp, type OpenHttp } from './http/open-http.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
})

afterAll(() => http.close())

function onRefused(error: unknown): never {
  throw new Error('Postgres was there', { cause: error })
}

function readiness(timeoutMs = 20_000) {
  return createReadiness({ database: http.database, starting: () => [], onRefused, timeoutMs })
}

describe('readiness', () => {
  test('is read once for all who ask at the same time, and again for the next', async () => {
    const read = readiness()
    http.statements.length = 0
    await read()
    const statements = http.statements.length
    await Promise.all(Array.from({ length: 500 }, () => read()))
    expect(http.statements).toHaveLength(2 * statements)
  })

  test('waits no longer than it may for a Postgres that says nothing', async () => {
    const held = await http.knex.transaction()
    try {
      await held.raw('LOCK TABLE knex_migrations IN ACCESS EXCLUSIVE MODE')
      const read = readiness(50)
      http.statements.length = 0
      for (let times = 0; times < 3; times += 1) expect(await read()).toEqual(['Postgres does not answer'])
      // Those who ask meanwhile take no further connection.
      const begun = http.statements.filter(({ sql }) => sql.includes('to_regclass'))
      expect(begun.length).toBeLessThanOrEqual(1)
    } finally {
      await held.rollback()
    }
    expect(await readiness()()).toEqual([])
  })

  test('says what the start waits for before anything else', async () => {
    const starting = ['the service is starting']
    const read = createReadiness({
      database: http.database,
      starting: () => starting,
      onRefused,
      timeoutMs: 20_000,
    })
    expect(await read()).toEqual(starting)
  })
})
