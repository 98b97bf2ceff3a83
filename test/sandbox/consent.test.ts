import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { BASIC, company, REALM, request, startIntuit } from './intuit.ts'
import type { Intuit, Reply } from './intuit.ts'

const REDIRECT = 'http://localhost:3000/connect/callback'
const OTHER = '4620816300000000055'
const ASKED = {
  client_id: 'client',
  response_type: 'code',
  scope: 'com.intuit.quickbooks.accounting',
  redirect_uri: REDIRECT,
  state: 'unguessable',
}

let intuit: Intuit

beforeEach(async () => {
  intuit = await startIntuit()
  intuit.sandbox.addCompany(company({ realmId: OTHER, name: '<b>Other</b> & Sons' }))
})
afterEach(() => intuit.sandbox.stop())

interface Grant {
  access_token: string
  refresh_token: string
  x_refresh_token_hard_expires_in?: number
}

function addressOf(asked: Record<string, string> = ASKED): string {
  return `${intuit.sandbox.authorizeUrl}?${new URLSearchParams(asked).toString()}`
}

function answer(form: Record<string, string>): Promise<Reply> {
  return request(addressOf(), { method: 'POST', body: new URLSearchParams(form).toString() })
}

function backOf(reply: Reply): Record<string, string> {
  expect(reply.status).toBe(302)
  const target = new URL(reply.headers.get('location') ?? '')
  expect(target.origin + target.pathname).toBe(REDIRECT)
  return Object.fromEntries(target.searchParams)
}

function post(body: Record<string, string>, headers: Record<string, string> = {}): Promise<Reply> {
  return request(intuit.sandbox.tokenUrl, {
    method: 'POST',
    headers: { Authorization: BASIC, ...headers },
    body: new URLSearchParams(body).toString(),
  })
}

async function connected(realmId: string, form: Record<string, string>): Promise<Grant> {
  const { code = '' } = backOf(await answer({ realmId, ...form }))
  const { status, json } = await post({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT })
  expect(status).toBe(200)
  return json as Grant
}

function read(realmId: string, token: string): Promise<Reply> {
  const headers = { Authorization: `Bearer ${token}` }
  return request(`${intuit.sandbox.apiBaseUrl}/v3/company/${realmId}/preferences`, { headers })
}

function control(path: string, body: unknown): Promise<Reply> {
  return request(`${intuit.sandbox.url}/sandbox${path}`, { method: 'POST', body: JSON.stringify(body) })
}

describe('the authorize page', () => {
  test('lets a person choose who they are and which company, and shows names as text', async () => {
    const { status, text } = await request(addressOf())
    expect(status).toBe(200)
    expect(text).toContain('Alder &#38; Finch')
    expect(text).toContain(`value="${OTHER}"`)
    expect(text).not.toContain('<b>Other')
  })

  test.each(Object.keys(ASKED))('refuses an app whose %s is missing', async (name) => {
    const { [name as 'state']: _, ...rest } = ASKED
    expect((await request(addressOf(rest))).status).toBe(400)
  })

  test('goes back with code, state and the company that was chosen', async () => {
    const back = backOf(await answer({ answer: 'allow', person: 'anna', realmId: OTHER }))
    expect(back).toEqual({ code: expect.stringMatching(/^AB/), state: 'unguessable', realmId: OTHER })
  })

  test('goes back with access_denied and neither code nor company when the person refuses', async () => {
    expect(backOf(await answer({ answer: 'deny' }))).toEqual({
      error: 'access_denied',
      state: 'unguessable',
    })
  })

  test('lets no one connect who is no admin of the company', async () => {
    const reply = await answer({ answer: 'allow', person: 'carl', realmId: REALM })
    expect(reply.status).toBe(403)
    expect(reply.text).toContain('Only an admin')
  })

  test('refuses a company or a person that does not exist', async () => {
    expect((await answer({ answer: 'allow', person: 'anna', realmId: '1' })).status).toBe(400)
    expect((await answer({ answer: 'allow', person: 'nobody', realmId: REALM })).status).toBe(400)
  })
})

describe('a second admin', () => {
  test('is asked first, and then takes the place of the first, whose refresh token dies', async () => {
    const first = await connected(REALM, { answer: 'allow', person: 'anna' })
    const asked = await answer({ answer: 'allow', person: 'ben', realmId: REALM })
    expect(asked.status).toBe(200)
    expect(asked.text).toContain('Assign a new admin')
    expect((await intuit.refresh(first.refresh_token)).status).toBe(200)
    const second = await connected(REALM, { answer: 'replace', person: 'ben' })
    expect((await intuit.refresh(first.refresh_token)).json).toMatchObject({ error: 'invalid_grant' })
    expect((await read(REALM, second.access_token)).status).toBe(200)
  })
})

describe('admin rights', () => {
  test('lost by the person who connected close the company with code 120 until they are back', async () => {
    const { access_token: token } = await connected(REALM, { answer: 'allow', person: 'anna' })
    const taken = await control(`/companies/${REALM}/admins`, { person: 'anna', isAdmin: false })
    expect(taken.status).toBe(204)
    const refused = await read(REALM, token)
    expect(refused.status).toBe(401)
    expect(refused.json).toMatchObject({ fault: { error: [{ code: '120' }], type: 'AUTHENTICATION' } })
    expect((await answer({ answer: 'allow', person: 'anna', realmId: REALM })).status).toBe(403)
    await control(`/companies/${REALM}/admins`, { person: 'anna', isAdmin: true })
    expect((await read(REALM, token)).status).toBe(200)
  })

  test('of another person make no difference, nor those in another company', async () => {
    const { access_token: token } = await connected(REALM, { answer: 'allow', person: 'anna' })
    intuit.sandbox.setAdmin(REALM, 'ben', false)
    intuit.sandbox.setAdmin(OTHER, 'anna', false)
    expect((await read(REALM, token)).status).toBe(200)
  })

  test('of nobody known are refused', async () => {
    const reply = await control(`/companies/${REALM}/admins`, { person: 'dora', isAdmin: true })
    expect(reply.status).toBe(400)
  })
})

describe('a disconnect inside QuickBooks', () => {
  test('kills refresh and access tokens at once, of that company alone', async () => {
    const { access_token: token, refresh_token: refresh } = await connected(REALM, {
      answer: 'allow',
      person: 'anna',
    })
    const other = await connected(OTHER, { answer: 'allow', person: 'anna' })
    expect((await control(`/companies/${REALM}/disconnect`, {})).status).toBe(204)
    expect((await read(REALM, token)).status).toBe(401)
    expect((await intuit.refresh(refresh)).json).toMatchObject({ error: 'invalid_grant' })
    expect((await read(OTHER, other.access_token)).status).toBe(200)
  })
})

describe('the end of a connection', () => {
  test('is told to those who ask for it, and comes however often the token is used', async () => {
    const granted = await connected(REALM, { answer: 'allow', person: 'anna' })
    expect(granted.x_refresh_token_hard_expires_in).toBeUndefined()
    let token = granted.refresh_token
    const refreshed = async () => {
      const body = { grant_type: 'refresh_token', refresh_token: token }
      const reply = await post(body, { 'x-include-refresh-token-hard-expires-in': 'true' })
      token = (reply.json as Grant).refresh_token
      return reply
    }
    const fiveYearsSeconds = 5 * 365 * 86_400
    expect((await refreshed()).json).toMatchObject({ x_refresh_token_hard_expires_in: fiveYearsSeconds })
    for (let day = 0; day < 1_800; day += 90) {
      intuit.clock.ms += 90 * 86_400_000
      expect((await refreshed()).status).toBe(200)
    }
    intuit.clock.ms += 25 * 86_400_000
    expect((await refreshed()).json).toMatchObject({ error: 'invalid_grant' })
  })
})

describe('a harder policy', () => {
  test('gives tokens of a minute and kills each refresh value as it is used', async () => {
    const { refresh_token: first } = await connected(REALM, { answer: 'allow', person: 'anna' })
    await control('/tokens', { accessLifeSeconds: 60, replacesAtOnce: true })
    const { json } = await intuit.refresh(first)
    const second = json as Grant & { expires_in: number }
    expect(second.expires_in).toBe(60)
    expect(second.refresh_token).not.toBe(first)
    expect((await intuit.refresh(first)).json).toMatchObject({ error: 'invalid_grant' })
    intuit.clock.ms += 60_000
    expect((await read(REALM, second.access_token)).status).toBe(401)
    expect((await intuit.refresh(second.refresh_token)).status).toBe(200)
  })

  test('is refused when it is none', async () => {
    expect((await control('/tokens', { accessLifeSeconds: 0 })).status).toBe(400)
    expect((await control('/tokens', { life: 1 })).status).toBe(400)
  })
})
