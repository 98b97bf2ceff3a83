import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { BASIC, company, REALM, request, startIntuit } from './intuit.ts'
import type { Intuit } from './intuit.ts'

const HOUR_MS = 3_600_000

let intuit: Intuit
let first: string

beforeEach(async () => {
  intuit = await startIntuit()
  first = current()
})
afterEach(() => intuit.sandbox.stop())

function current(): string {
  return intuit.sandbox.companies()[0]?.refreshToken ?? ''
}

interface Grant {
  access_token: string
  refresh_token: string
}

async function refreshed(token: string): Promise<Grant> {
  const { status, json } = await intuit.refresh(token)
  expect(status).toBe(200)
  return json as Grant
}

async function readWith(accessToken: string): Promise<number> {
  const url = `${intuit.sandbox.apiBaseUrl}/v3/company/${REALM}/preferences`
  return (await request(url, { headers: { Authorization: `Bearer ${accessToken}` } })).status
}

describe('refreshing', () => {
  test('within a day gives a new access token and the same refresh token', async () => {
    intuit.clock.ms += 23 * HOUR_MS
    const { json } = await intuit.refresh(first)
    expect(json).toEqual({
      token_type: 'bearer',
      access_token: expect.stringMatching(/^eyJ/),
      expires_in: 3600,
      refresh_token: first,
      x_refresh_token_expires_in: 8_726_400,
    })
  })

  test('after a day changes its value once, and the old value works a day longer', async () => {
    intuit.clock.ms += 24 * HOUR_MS
    const { refresh_token: second } = await refreshed(first)
    expect(second).not.toBe(first)
    expect((await refreshed(second)).refresh_token).toBe(second)
    expect((await refreshed(first)).refresh_token).toBe(second)
    expect(current()).toBe(second)
    intuit.clock.ms += 24 * HOUR_MS
    const { status, json } = await intuit.refresh(first)
    expect(status).toBe(400)
    expect(json).toEqual({ error: 'invalid_grant', error_description: 'Incorrect or invalid refresh token' })
    await refreshed(second)
  })

  test('a token that nobody used for a hundred days is dead', async () => {
    intuit.clock.ms += 100 * 24 * HOUR_MS
    expect((await intuit.refresh(first)).json).toMatchObject({ error: 'invalid_grant' })
  })

  test('each use gives it a hundred days more, with or without a new value', async () => {
    intuit.clock.ms += 23 * HOUR_MS
    expect((await refreshed(first)).refresh_token).toBe(first)
    for (let use = 0; use < 3; use += 1) {
      intuit.clock.ms += 100 * 24 * HOUR_MS - 1
      await refreshed(current())
    }
  })

  test('the wrong app is told so', async () => {
    const reply = await request(intuit.sandbox.tokenUrl, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from('client:wrong').toString('base64')}` },
      body: `grant_type=refresh_token&refresh_token=${first}`,
    })
    expect(reply.status).toBe(401)
    expect(reply.json).toEqual({ error: 'invalid_client' })
  })
})

describe('access tokens', () => {
  test('last an hour', async () => {
    const { access_token: token } = await refreshed(first)
    intuit.clock.ms += HOUR_MS - 1
    expect(await readWith(token)).toBe(200)
    intuit.clock.ms += 1
    expect(await readWith(token)).toBe(401)
  })

  test('open their own company and no other', async () => {
    const { access_token: token } = await refreshed(first)
    intuit.sandbox.addCompany(company({ realmId: '999' }))
    const reply = await request(`${intuit.sandbox.apiBaseUrl}/v3/company/999/preferences`, {
      headers: { Authorization: `Bearer ${token}` },
    })
    expect(reply.status).toBe(403)
    expect(reply.json).toMatchObject({ fault: { error: [{ code: '3100' }], type: 'AUTHORIZATION' } })
  })
})

describe('connecting', () => {
  const REDIRECT = 'http://localhost:3000/connect/callback'

  async function authorize(): Promise<URL> {
    const asked = new URLSearchParams({
      client_id: 'client',
      response_type: 'code',
      scope: 'com.intuit.quickbooks.accounting',
      redirect_uri: REDIRECT,
      state: 'unguessable',
      realmId: REALM,
    })
    const { status, headers } = await request(`${intuit.sandbox.authorizeUrl}?${asked.toString()}`)
    expect(status).toBe(302)
    return new URL(headers.get('location') ?? '')
  }

  function exchange(code: string, redirect = REDIRECT) {
    return request(intuit.sandbox.tokenUrl, {
      method: 'POST',
      headers: { Authorization: BASIC },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirect,
      }).toString(),
    })
  }

  test('comes back with code, state and realm id, and the code buys tokens once', async () => {
    const callback = await authorize()
    expect(callback.origin + callback.pathname).toBe(REDIRECT)
    expect(callback.searchParams.get('state')).toBe('unguessable')
    expect(callback.searchParams.get('realmId')).toBe(REALM)
    const code = callback.searchParams.get('code') ?? ''
    const { status, json } = await exchange(code)
    expect(status).toBe(200)
    expect(await readWith((json as Grant).access_token)).toBe(200)
    expect(current()).toBe((json as Grant).refresh_token)
    expect((await exchange(code)).json).toMatchObject({ error: 'invalid_grant' })
  })

  test('a code is good for the address it was sent to alone', async () => {
    const code = (await authorize()).searchParams.get('code') ?? ''
    expect((await exchange(code, 'http://localhost:3000/elsewhere')).status).toBe(400)
  })

  test('a new authorization takes the place of the old one', async () => {
    await exchange((await authorize()).searchParams.get('code') ?? '')
    expect((await intuit.refresh(first)).status).toBe(400)
  })

  test('revoking ends refresh and access tokens alike', async () => {
    const { access_token: token } = await refreshed(first)
    const body = JSON.stringify({ token: first })
    const reply = await request(intuit.sandbox.revokeUrl, {
      method: 'POST',
      headers: { Authorization: BASIC },
      body,
    })
    expect(reply.status).toBe(200)
    expect(await readWith(token)).toBe(401)
    expect((await intuit.refresh(first)).json).toMatchObject({ error: 'invalid_grant' })
    expect(current()).toBe('')
  })
})
