import { afterEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'

import { LedgerError } from '../../src/domain/ledger-error.ts'
import { createClient, libraryAxios, requireOneCopy } from '../../src/quickbooks/node-quickbooks.ts'
import { createTransport } from '../../src/quickbooks/transport.ts'
import { answering, startLoopbackServer, type LoopbackServer, type Responder } from './loopback-server.ts'
import { openCompany, openQuickBooks } from './open-company.ts'

const COUNT_3 = '{"QueryResponse":{"totalCount":3},"time":"2026-11-22T07:15:02.318-08:00"}'
const COUNT_4 = COUNT_3.replace('3', '4')

const TOKENS =
  '{"access_token":"a-2","refresh_token":"r-1","expires_in":3600,"x_refresh_token_expires_in":8640000,"token_type":"bearer"}'

const cleanUp: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

async function serverWith(respond: Responder): Promise<LoopbackServer> {
  const server = await startLoopbackServer(respond)
  cleanUp.push(() => server.close())
  return server
}

function quickBooksAt(server: LoopbackServer, options: Parameters<typeof openQuickBooks>[1] = {}) {
  const quickBooks = openQuickBooks(server, options)
  cleanUp.push(() => quickBooks.close())
  return quickBooks
}

/** A server that answers no request. */
async function silentServer(): Promise<{
  readonly server: LoopbackServer
  /** Resolves at the first request, to a promise of the end of its connection. */
  readonly asked: Promise<{ readonly closed: Promise<unknown> }>
}> {
  const first = Promise.withResolvers<{ closed: Promise<unknown> }>()
  const server = await serverWith((_request, response) => first.resolve({ closed: once(response, 'close') }))
  return { server, asked: first.promise }
}

describe('a call that is not answered in time', () => {
  test('fails once, is reported once, and its connection is given up', async () => {
    const { server, asked } = await silentServer()
    // Long enough for a slow machine to send the request.
    const { reader, calls } = openCompany(quickBooksAt(server, { callTimeoutMs: 2_000 }))
    await expect(reader.count('bill')).rejects.toMatchObject({ code: 'unavailable' })
    await (
      await asked
    ).closed
    expect(calls).toMatchObject([{ operation: 'count', status: 'timeout', metered: false }])
  })

  test('counts from its start, even when a byte comes now and then', async () => {
    const server = await serverWith((_request, response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write(' '), 5)
      response.on('close', () => clearInterval(drip))
    })
    const { reader } = openCompany(quickBooksAt(server, { callTimeoutMs: 100 }))
    await expect(reader.count('bill')).rejects.toMatchObject({
      message: 'QuickBooks did not answer within 100 ms',
    })
  })
})

describe('a signal', () => {
  test('ends a call in flight, with its own reason where that is one of the domain', async () => {
    const { server, asked } = await silentServer()
    const controller = new AbortController()
    const { reader, calls } = openCompany(quickBooksAt(server), { signal: controller.signal })
    const lost = new LedgerError('lease_lost', 'another process has the company')
    const failure = expect(reader.count('bill')).rejects.toBe(lost)
    const { closed } = await asked
    controller.abort(lost)
    await closed
    await failure
    expect(calls).toMatchObject([{ status: 'reset' }])
  })

  test('of another kind is unavailable', async () => {
    const { server, asked } = await silentServer()
    const controller = new AbortController()
    const { reader } = openCompany(quickBooksAt(server), { signal: controller.signal })
    const failure = expect(reader.count('bill')).rejects.toMatchObject({ code: 'unavailable' })
    await asked
    controller.abort()
    await failure
  })

  test('that was given before makes no call', async () => {
    const server = await serverWith(answering(200, COUNT_3))
    const { reader, calls } = openCompany(quickBooksAt(server), { signal: AbortSignal.abort() })
    await expect(reader.count('bill')).rejects.toMatchObject({ code: 'unavailable' })
    expect([calls, server.requests]).toEqual([[], []])
  })

  test('is left without listeners when a call ends', async () => {
    const server = await serverWith(answering(200, COUNT_3))
    const added: string[] = []
    const signal = new AbortController().signal
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => (added.push('+'), add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (added.push('-'), remove(...args))
    const { reader } = openCompany(quickBooksAt(server), { signal })
    await reader.count('bill')
    expect(added).toEqual(['+', '-'])
  })
})

test('closing gives up the calls in flight and refuses further ones, of token endpoints too', async () => {
  let arrived = (): void => undefined
  const asked = new Promise<void>((resolve) => (arrived = resolve))
  const server = await serverWith(() => arrived())
  const quickBooks = quickBooksAt(server)
  const refreshed = expect(quickBooks.refreshTokens('r-1')).rejects.toMatchObject({ code: 'unavailable' })
  await asked
  quickBooks.close()
  await refreshed
  await expect(quickBooks.refreshTokens('r-1')).rejects.toMatchObject({ code: 'unavailable' })
  expect(server.requests).toHaveLength(1)
})

test('a connection that is refused is unavailable, and says only why', async () => {
  const server = await startLoopbackServer(answering(200, COUNT_3))
  await server.close()
  const { reader, calls } = openCompany(quickBooksAt(server))
  await expect(reader.count('bill')).rejects.toMatchObject({
    code: 'unavailable',
    message: 'the connection to QuickBooks failed: ECONNREFUSED',
  })
  expect(calls).toMatchObject([{ status: 'reset', metered: false, intuitTid: null }])
})

test('connections are kept and used again', async () => {
  const server = await serverWith(answering(200, COUNT_3))
  const { reader } = openCompany(quickBooksAt(server))
  for (let call = 0; call < 5; call += 1) await reader.count('bill')
  expect([server.requests.length, server.connections()]).toEqual([5, 1])
})

test('companies, runs and the token endpoint share a connection, and a refusal does not cost it', async () => {
  const server = await serverWith((request, response) => {
    if (request.url === '/token') answering(200, TOKENS)(request, response)
    else if (request.url?.includes('/company/429/')) answering(429, '{}')(request, response)
    else answering(200, COUNT_3)(request, response)
  })
  const quickBooks = quickBooksAt(server)
  for (let round = 0; round < 2; round += 1) {
    await openCompany(quickBooks, { realmId: '1' }).reader.count('bill')
    const refused = openCompany(quickBooks, { realmId: '429' }).reader.count('bill')
    await expect(refused).rejects.toMatchObject({ code: 'throttled' })
    await quickBooks.refreshTokens('r-1')
    await openCompany(quickBooks, { realmId: '2' }).reader.count('bill')
  }
  expect([server.requests.length, server.connections()]).toEqual([8, 1])
})

test('two adapters in one process keep to their own addresses, also when they call at once', async () => {
  const [three, four] = await Promise.all([
    serverWith(answering(200, COUNT_3)),
    serverWith(answering(200, COUNT_4)),
  ])
  const readers = [three, four].map((server) => openCompany(quickBooksAt(server)).reader)
  const counts = await Promise.all(
    Array.from({ length: 10 }, () => readers)
      .flat()
      .map(async (reader) => (await reader.count('bill')).count),
  )
  expect(counts).toEqual(Array.from({ length: 20 }, (_, index) => 3 + (index % 2)))
  expect([three.requests.length, four.requests.length]).toEqual([10, 10])
})

test('each call carries the token, the minor version and asks for JSON', async () => {
  const accepts: unknown[] = []
  const server = await serverWith((request, response) => {
    accepts.push(request.headers.accept)
    answering(200, COUNT_3)(request, response)
  })
  const { reader } = openCompany(quickBooksAt({ ...server, apiBaseUrl: `${server.origin}/gateway/` }))
  await reader.count('customer')
  const [request] = server.requests
  expect([request?.method, request?.authorization, accepts[0]]).toEqual([
    'GET',
    'Bearer access-token-1',
    'application/json',
  ])
  expect(request?.url.pathname).toBe('/gateway/v3/company/4620816300000000001/query')
  expect(Object.fromEntries(request?.url.searchParams ?? [])).toEqual({
    query: 'select count(*) from customer WHERE Active IN (true,false)',
    minorversion: '75',
    format: 'json',
  })
})

test('a callback that comes twice, or after the answer, changes nothing', async () => {
  const transport = createTransport({ now: () => 0 })
  const calls: unknown[] = []
  const twice = transport.send({
    operation: 'count',
    timeoutMs: 1_000,
    onCall: (call) => calls.push(call),
    start: (callback) => {
      callback(new Error('first'))
      callback(null)
      throw new Error('third')
    },
    read: () => 'never',
  })
  await expect(twice).rejects.toMatchObject({ code: 'internal', cause: { message: 'first' } })
  expect(calls).toEqual([])
})

test('a listener of calls that throws fails the call, and only it', async () => {
  const server = await serverWith(answering(200, COUNT_3))
  const quickBooks = quickBooksAt(server)
  const { reader } = openCompany(quickBooks, {
    onCall: () => {
      throw new Error('the listener broke')
    },
  })
  await expect(reader.count('bill')).rejects.toMatchObject({
    code: 'internal',
    message: 'the listener broke',
  })
  expect(await openCompany(quickBooks).reader.count('bill')).toMatchObject({ count: 3 })
})

test('a call that ended leaves no timer behind', async () => {
  const server = await serverWith(answering(200, COUNT_3))
  const { reader } = openCompany(quickBooksAt(server))
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  await reader.count('bill')
  expect(timers()).toBeLessThanOrEqual(before)
})

describe('the axios that node-quickbooks shares with the whole process', () => {
  test('is hooked once, and other requests pass the hook untouched', async () => {
    const server = await serverWith(answering(302, '{"big":12345678901234567}', { Location: '/x' }))
    const { reader } = openCompany(quickBooksAt(server))
    await Promise.allSettled([reader.count('bill'), reader.count('bill')])
    expect(Reflect.get(libraryAxios.interceptors.request, 'handlers')).toHaveLength(1)
    await expect(libraryAxios.get(server.origin, { maxRedirects: 0 })).rejects.toMatchObject({
      response: { status: 302 },
    })
  })

  test('makes no error, which would hold the token, of an answer that refuses', async () => {
    const server = await serverWith(answering(500, '{"Fault":{"Error":[{"code":"10000"}]}}'))
    const client = createClient({ apiBaseUrl: server.origin, realmId: '1', accessToken: 'token' })
    const transport = createTransport({ now: () => 0 })
    cleanUp.push(() => transport.close())
    const toldToLibrary = new Promise((resolve) => {
      const call = transport.send({
        operation: 'query',
        timeoutMs: 5_000,
        start: (callback) => client.findBills('', (error) => (resolve(error), callback(error))),
        read: ({ status }) => status,
      })
      void call.then((status) => expect(status).toBe(500))
    })
    expect(await toldToLibrary).toBeNull()
  })

  test('reaches loopback whatever proxy the environment names', async () => {
    const server = await serverWith(answering(200, COUNT_3))
    const { HTTP_PROXY, http_proxy, NO_PROXY, no_proxy } = process.env
    Object.assign(process.env, { HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1' })
    delete process.env['NO_PROXY']
    delete process.env['no_proxy']
    try {
      expect(await openCompany(quickBooksAt(server)).reader.count('bill')).toMatchObject({ count: 3 })
    } finally {
      for (const [name, value] of Object.entries({ HTTP_PROXY, http_proxy, NO_PROXY, no_proxy })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
  })
})

test('a second copy of the HTTP client is refused, for the hooks would hang on the wrong one', () => {
  expect(() =>
    requireOneCopy('/app/node_modules/axios/index.js', '/app/node_modules/axios/index.js'),
  ).not.toThrow()
  expect(() =>
    requireOneCopy(
      '/app/node_modules/axios/index.js',
      '/app/node_modules/node-quickbooks/node_modules/axios/index.js',
    ),
  ).toThrow(expect.objectContaining({ code: 'app_misconfigured' }))
})
