import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { insertSyncedCompany, secondsBefore } from '../http/rows.ts'
import { openConsole, textOf, type OpenConsole } from './open-console.ts'

let http: OpenConsole

beforeAll(async () => {
  http = await openConsole()
  await insertSyncedCompany(http.knex, '1')
})

afterAll(() => http.close())

beforeEach(() =>
  stop({
    calls_paused_until: null,
    calls_paused_code: null,
    calls_paused_reason: null,
    stopped_since: null,
  }),
)

async function stop(row: Readonly<Record<string, unknown>>): Promise<void> {
  await http.knex('service_state').update(row)
}

const PAGES = [
  '/console',
  '/console/companies/1',
  '/console/changes',
  '/console/runs',
  '/console/companies/404',
]

async function says(): Promise<string[]> {
  const answers = []
  for (const path of PAGES) answers.push(textOf((await http.see(path)).text))
  return answers
}

describe('while all calls are stopped', () => {
  test('every page says so: what, since when, when it tries again, what to do', async () => {
    await stop({
      calls_paused_until: secondsBefore(-240),
      calls_paused_code: 'app_misconfigured',
      calls_paused_reason: 'Intuit answered invalid_client <b>',
      stopped_since: secondsBefore(7200),
    })
    for (const text of await says()) {
      expect(text).toMatch(/^Reading is stopped Intuit refuses this service as a whole\./)
      expect(text).toContain('since Tue 10 Mar 2026, 10:00:00')
      expect(text).toContain('One client tries whether it is over in 4 min')
      expect(text).toContain('Intuit answered invalid_client &lt;b&gt;.')
      expect(text).toContain('Compare QBO_CLIENT_ID')
    }
  })

  test('a try that is due is told as due, not as one of the past', async () => {
    await stop({
      calls_paused_until: secondsBefore(30),
      calls_paused_code: 'app_misconfigured',
      calls_paused_reason: 'Intuit answered invalid_client',
      stopped_since: secondsBefore(7200),
    })
    for (const text of await says()) expect(text).toContain('One client is about to try whether it is over.')
  })

  test('a spent budget says when calls go on', async () => {
    await stop({
      calls_paused_until: new Date('2026-04-01T00:00:00Z'),
      calls_paused_code: 'budget_spent',
      calls_paused_reason: '500 of 500 calls are used',
      stopped_since: secondsBefore(60),
    })
    for (const text of await says()) {
      expect(text).toContain('The calls of this month are used up.')
      expect(text).toContain('It goes on in 22 days , at Wed 1 Apr 2026, 00:00:00')
    }
  })

  test('nobody who is not signed in is told', async () => {
    await stop({
      calls_paused_until: secondsBefore(-240),
      calls_paused_code: 'app_misconfigured',
      calls_paused_reason: 'Intuit answered invalid_client',
      stopped_since: secondsBefore(7200),
    })
    expect((await request(http.app).get('/login')).text).not.toContain('Reading is stopped')
  })
})

test('no page speaks of a stop while there is none, nor in a pause that ends by itself', async () => {
  for (const text of await says()) expect(text).not.toContain('Reading is stopped')
  await stop({
    calls_paused_until: secondsBefore(-240),
    calls_paused_code: 'throttled',
    calls_paused_reason: 'many companies are throttled',
  })
  for (const text of await says()) expect(text).not.toContain('Reading is stopped')
})
