import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { openHttp, type OpenHttp } from './open-http.ts'
import { insertCompany, NOW, secondsBefore } from './rows.ts'

const DAY_SECONDS = 86_400

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
})
beforeEach(() => http.knex.raw('TRUNCATE connections, companies CASCADE'))
afterAll(() => http.close())

async function insertConnection(
  realmId: string,
  daysLeft: number | null,
  company: Record<string, unknown> = {},
): Promise<void> {
  await insertCompany(http.knex, realmId, company)
  await http.knex('connections').insert({
    realm_id: realmId,
    environment: 'simulator',
    refresh_token_ciphertext: 'v1:k1:iv:tag:SECRET',
    refresh_token_expires_at: daysLeft === null ? null : secondsBefore(-daysLeft * DAY_SECONDS),
    updated_at: NOW,
  })
}

async function atRisk(): Promise<Record<string, unknown>[]> {
  const { body, text } = await http.send('get', '/admin/connections/at-risk').expect(200)
  expect(text).not.toContain('SECRET')
  return (body as { data: Record<string, unknown>[] }).data
}

test('connections in use are not at risk, nor those whose end is not known', async () => {
  await insertConnection('1', 100)
  await insertConnection('2', null)
  await insertConnection('3', 30)
  expect(await atRisk()).toEqual([])
})

test('a refresh token that is left unused is told a month ahead, soonest first, with the days left', async () => {
  await insertConnection('1', 29.5)
  await insertConnection('2', 12, { status: 'paused' })
  expect(await atRisk()).toEqual([
    {
      realmId: '2',
      name: 'Company 2',
      status: 'paused',
      risk: 'unused',
      code: null,
      endsAt: secondsBefore(-12 * DAY_SECONDS).toISOString(),
      idleDaysLeft: 12,
      whatToDo: expect.stringContaining('POST /admin/companies/2/resume'),
    },
    expect.objectContaining({
      realmId: '1',
      idleDaysLeft: 29,
      whatToDo: expect.stringContaining('GET /admin/companies/1.'),
    }),
  ])
})

test('a token whose life is over is to be replaced, not resumed', async () => {
  await insertConnection('1', -3, { status: 'paused' })
  expect(await atRisk()).toMatchObject([
    { risk: 'unused', idleDaysLeft: 0, whatToDo: expect.stringContaining('Connect it again') },
  ])
})

test('a connection that Intuit refused has ended, since then', async () => {
  await insertConnection('1', 90, {
    status: 'needs_reauth',
    status_code: 'needs_reauth',
    status_changed_at: secondsBefore(500),
  })
  expect(await atRisk()).toMatchObject([
    {
      risk: 'ended',
      code: 'needs_reauth',
      endsAt: secondsBefore(500).toISOString(),
      whatToDo: expect.stringContaining('/admin/companies/1'),
    },
  ])
})

test('one that cannot be used as the service is set up says how to mend it', async () => {
  await insertConnection('1', 90, {
    failures_in_a_row: 3,
    failing_since: secondsBefore(900),
    failing_code: 'wrong_environment',
    failing_code_since: secondsBefore(800),
  })
  expect(await atRisk()).toMatchObject([
    { risk: 'refused', code: 'wrong_environment', endsAt: secondsBefore(800).toISOString() },
  ])
})

test('a disconnected company has nothing to lose, and one that only fails to answer is not at risk', async () => {
  await insertConnection('1', 3, { status: 'disconnected' })
  await insertConnection('2', 90, { failures_in_a_row: 9, failing_code: 'unavailable' })
  expect(await atRisk()).toEqual([])
})

test('a query parameter is refused by name', async () => {
  const { text } = await http.send('get', '/admin/connections/at-risk?days=3').expect(400)
  expect(text).toContain('days')
})
