import { afterEach, describe, expect, test } from '@jest/globals'

import type { ErrorCode } from '../../src/domain/ledger-error.ts'
import type { QuickBooksCall } from '../../src/domain/quickbooks-call.ts'
import type { FaultKind } from '../../src/sandbox/sandbox.ts'
import { answering, startLoopbackServer, type LoopbackServer } from './loopback-server.ts'
import { openQuickBooks } from './open-company.ts'
import { openSandbox } from './open-sandbox.ts'

const NOW_MS = Date.parse('2026-11-22T15:15:00Z')
const TOKENS =
  '{"token_type":"bearer","access_token":"a-2","expires_in":3600,"refresh_token":"r-2","x_refresh_token_expires_in":8726400}'

const cleanUp: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

async function tokenServer(status: number, body: string, headers: Record<string, string> = {}) {
  const bodies: string[] = []
  const server: LoopbackServer = await startLoopbackServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()))
    request.on('end', () => answering(status, body, headers)(request, response))
  })
  const quickBooks = openQuickBooks(server, { now: () => NOW_MS, tokenTimeoutMs: 5_000 })
  cleanUp.push(
    () => server.close(),
    () => quickBooks.close(),
  )
  return { server, quickBooks, bodies }
}

describe('refreshing', () => {
  test('posts the token with the credentials of the app, and gives what came back', async () => {
    const { server, quickBooks, bodies } = await tokenServer(200, TOKENS)
    const calls: QuickBooksCall[] = []
    expect(await quickBooks.refreshTokens('r-1&x', (call) => calls.push(call))).toEqual({
      accessToken: 'a-2',
      accessTokenExpiresAt: new Date(NOW_MS + 3_600_000),
      refreshToken: 'r-2',
      refreshTokenExpiresAt: new Date(NOW_MS + 8_726_400_000),
    })
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        url: { pathname: '/token' },
        authorization: `Basic ${Buffer.from('AppClientId:app-client-secret-Zx81').toString('base64')}`,
      },
    ])
    expect(Object.fromEntries(new URLSearchParams(bodies.join('')))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'r-1&x',
    })
    expect(calls).toEqual([
      { operation: 'refresh', status: '200', durationMs: 0, metered: false, intuitTid: '1-test-tid' },
    ])
  })

  test("keeps a rotated token even when the answer names no lifetimes: Intuit's own are taken", async () => {
    const { quickBooks } = await tokenServer(
      200,
      '{"access_token":"a","refresh_token":"r","expires_in":"soon"}',
    )
    expect(await quickBooks.refreshTokens('r-1')).toMatchObject({
      accessTokenExpiresAt: new Date(NOW_MS + 3_600_000),
      refreshToken: 'r',
      refreshTokenExpiresAt: new Date(NOW_MS + 100 * 86_400_000),
    })
  })

  test.each<[number, string, ErrorCode]>([
    [
      400,
      '{"error":"invalid_grant","error_description":"Incorrect or invalid refresh token"}',
      'needs_reauth',
    ],
    [401, '{"error":"invalid_client"}', 'app_misconfigured'],
    [400, '{"error":"invalid_client"}', 'app_misconfigured'],
    [400, '{"error":"invalid_request"}', 'internal'],
    [400, '{"error":"something_new"}', 'unavailable'],
    [429, '{"error":"slow_down"}', 'throttled'],
    [500, '', 'unavailable'],
    [503, '<html>be back soon</html>', 'unavailable'],
    [401, '<html>', 'unavailable'],
    [200, '<html>', 'unavailable'],
    [200, '', 'unavailable'],
    [200, '{"access_token":"a"', 'unavailable'],
    [200, '{"access_token":"a"}', 'unavailable'],
    [200, '{"access_token":"","refresh_token":"r"}', 'unavailable'],
    [200, '{"access_token":5,"refresh_token":"r"}', 'unavailable'],
    [200, '{"error":"invalid_grant"}', 'needs_reauth'],
    [200, '[]', 'unavailable'],
  ])('answered with %i %s is %s', async (status, body, code) => {
    const { quickBooks } = await tokenServer(status, body)
    await expect(quickBooks.refreshTokens('r-1')).rejects.toMatchObject({
      code,
      details: { httpStatus: status, intuitTid: '1-test-tid' },
    })
  })

  test('carries the wait that the token endpoint asks for', async () => {
    const { quickBooks } = await tokenServer(429, '', { 'Retry-After': '12' })
    await expect(quickBooks.refreshTokens('r-1')).rejects.toMatchObject({
      code: 'throttled',
      details: { retryAfterSeconds: 12, atTokenEndpoint: true },
    })
  })
})

describe('against the simulator', () => {
  test.each<[FaultKind, ErrorCode]>([
    ['invalidGrant', 'needs_reauth'],
    ['invalidClient', 'app_misconfigured'],
    ['tokenThrottled429', 'throttled'],
    ['tokenServer503', 'unavailable'],
    ['tokenHang', 'unavailable'],
    ['tokenLostResponse', 'unavailable'],
  ])('%s is %s', async (kind, code) => {
    const opened = await openSandbox({ quickBooks: { tokenTimeoutMs: 1_000 } })
    cleanUp.push(() => opened.close())
    opened.sandbox.faults.add({ kind })
    const refreshToken = opened.sandbox.companies()[0]?.refreshToken ?? ''
    await expect(opened.quickBooks.refreshTokens(refreshToken)).rejects.toMatchObject({ code })
  })

  test('a revoked token is dead', async () => {
    const opened = await openSandbox()
    cleanUp.push(() => opened.close())
    const refreshToken = opened.sandbox.companies()[0]?.refreshToken ?? ''
    const calls: QuickBooksCall[] = []
    await opened.quickBooks.revokeToken(refreshToken, (call) => calls.push(call))
    expect(calls).toMatchObject([{ operation: 'revoke', status: '200', metered: false }])
    await expect(opened.quickBooks.refreshTokens(refreshToken)).rejects.toMatchObject({
      code: 'needs_reauth',
    })
  })
})

test('revoking posts to its own address, and an empty answer will do', async () => {
  const { server, quickBooks, bodies } = await tokenServer(200, '')
  await quickBooks.revokeToken('r-1')
  expect(server.requests).toMatchObject([{ method: 'POST', url: { pathname: '/revoke' } }])
  expect(bodies.join('')).toBe('token=r-1')
})

test('two adapters refresh at once, each at its own address', async () => {
  const [one, other] = await Promise.all([
    tokenServer(200, TOKENS),
    tokenServer(200, TOKENS.replace('r-2', 'r-3')),
  ])
  const sets = await Promise.all([one.quickBooks.refreshTokens('1'), other.quickBooks.refreshTokens('2')])
  expect(sets.map(({ refreshToken }) => refreshToken)).toEqual(['r-2', 'r-3'])
})
