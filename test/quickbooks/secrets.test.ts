import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ServerResponse } from 'node:http'
import { inspect } from 'node:util'

import { startListing } from '../../src/quickbooks/listing-cursor.ts'
import { createQuickBooks, type QuickBooks } from '../../src/quickbooks/quickbooks.ts'
import { startLoopbackServer, type LoopbackServer } from './loopback-server.ts'
import { openCompany } from './open-company.ts'

const ACCESS_TOKEN = 'Access.Tok-1'
const REFRESH_TOKEN = 'Refresh_Tok~1'
const CLIENT_SECRET = 'ClientSec!1'
const BASIC = Buffer.from(`client:${CLIENT_SECRET}`).toString('base64')
const SECRETS = [ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET, BASIC]

type Repeat = (echo: string, response: ServerResponse) => void

/** Everything that a request held, said back in every way there is. */
const REPEATS: Record<string, Repeat> = {
  'a fault that repeats the request': (echo, response) =>
    json(response, 401, { Fault: { Error: [{ Message: echo, Detail: echo, code: '3200' }] } }),
  'a fault of the gateway': (echo, response) =>
    json(response, 403, { fault: { error: [{ message: echo, code: '3100' }] } }),
  'a fault with 200': (echo, response) =>
    json(response, 200, { Fault: { Error: [{ Message: echo, code: '10000' }] } }),
  'an OAuth error': (echo, response) =>
    json(response, 400, { error: 'invalid_grant', error_description: echo }),
  'an OAuth error of another name': (echo, response) => json(response, 400, { error: echo }),
  'a body that is something else': (echo, response) => json(response, 200, { echo }),
  'a page': (echo, response) => response.writeHead(500).end(`<html>${echo}</html>`),
  XML: (echo, response) =>
    response.writeHead(500).end(`<Fault><Error code="1"><Message>${echo}</Message></Error></Fault>`),
  'half of an answer': (echo, response) => {
    response.writeHead(200, { 'Content-Length': 10_000 })
    response.write(`{"echo":"${echo}`, () => response.socket?.destroy())
  },
  'a broken connection': (_echo, response) => response.socket?.resetAndDestroy(),
  'no answer': () => undefined,
}

let server: LoopbackServer
let quickBooks: QuickBooks
let repeat: Repeat = () => undefined

beforeAll(async () => {
  server = await startLoopbackServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => repeat(echoOf(request.headers.authorization ?? '', chunks), response))
  })
  quickBooks = createQuickBooks({
    apiBaseUrl: server.apiBaseUrl,
    tokenUrl: server.tokenUrl,
    revokeUrl: server.revokeUrl,
    clientId: 'client',
    clientSecret: CLIENT_SECRET,
    callTimeoutMs: 150,
    tokenTimeoutMs: 150,
    now: () => 0,
  })
})
afterAll(async () => {
  quickBooks.close()
  await server.close()
})

describe.each(Object.entries(REPEATS))('%s', (_what, oneRepeat) => {
  test('leaves no secret in any error', async () => {
    repeat = oneRepeat
    const { reader } = openCompany(quickBooks, {
      accessToken: () => Promise.resolve(ACCESS_TOKEN),
      renewAccessToken: () => Promise.resolve(ACCESS_TOKEN),
    })
    const failures = await Promise.all(
      [
        () => reader.changes(['bill'], new Date(0)),
        () => reader.listPage('bill', startListing('created', null)),
        () => reader.count('bill'),
        () => reader.byIds('bill', ['1']),
        () => reader.companyInfo(),
        () => reader.preferences(),
        () => quickBooks.refreshTokens(REFRESH_TOKEN),
        () => quickBooks.revokeToken(REFRESH_TOKEN),
      ].map((call) =>
        call().then(
          () => null,
          (error: unknown) => error,
        ),
      ),
    )
    const said = failures.map(everythingIn)
    for (const secret of SECRETS) expect(said.filter((text) => text.includes(secret))).toEqual([])
    expect(failures.filter((failure) => failure !== null).length).toBeGreaterThanOrEqual(7)
  })
})

/** An error as every kind of reporter would show it, with its causes and hidden properties. */
function everythingIn(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error)
  const hidden = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)))
  const shown = inspect(error, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null })
  const cause: unknown = Reflect.get(error, 'cause')
  return [JSON.stringify(error), ...hidden, shown, cause === undefined ? '' : everythingIn(cause)].join('\n')
}

/** The credentials as they were sent, without their scheme, and decoded. */
function echoOf(authorization: string, body: readonly Buffer[]): string {
  const [, credentials = ''] = authorization.split(' ')
  const sent = Buffer.concat(body).toString()
  const decoded = [Buffer.from(credentials, 'base64').toString(), ...new URLSearchParams(sent).values()]
  return [authorization, credentials, sent, ...decoded, `${credentials}.`].join(' | ')
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'WWW-Authenticate': 'Bearer' })
  response.end(JSON.stringify(body))
}
