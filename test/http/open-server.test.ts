import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { closeServer } from '../../src/http/server/close-server.ts'
import { answerWhileStarting } from '../../src/http/server/starting.ts'
import { SERVER_LIMITS, type ServerLimits } from '../../src/http/server/open-server.ts'
import { ADMIN_TOKEN, openHttp, type OpenHttp } from './open-http.ts'
import { bodyOf, closed, everything, listenRaw, statusOf, until, type RawServer } from './raw.ts'

// A limit under test is short, and every other one so long that it cannot be the one that was met.
const SHORT_MS = 50
const NEVER_MS = 600_000
const UNLIMITED: ServerLimits = {
  headersTimeoutMs: NEVER_MS,
  requestTimeoutMs: NEVER_MS,
  answerTimeoutMs: NEVER_MS,
  keepAliveTimeoutMs: NEVER_MS,
  checkIntervalMs: 10,
  mostConnections: 1_000,
}
// More than the buffers of both sides hold.
const LONG_ANSWER = Buffer.alloc(64 * 1024 * 1024)

let http: OpenHttp
let stopping: RequestListener
const servers: RawServer[] = []

beforeAll(async () => {
  http = await openHttp()
  stopping = answerWhileStarting(() => ['the service is stopping'], http.options.log)
})

beforeEach(() => {
  http.logLines.length = 0
})

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

afterAll(() => http.close())

async function listen(
  limits: Partial<ServerLimits> = {},
  handle: RequestListener = http.app,
): Promise<RawServer> {
  const server = await listenRaw(handle, http.options.log, { ...UNLIMITED, ...limits })
  servers.push(server)
  return server
}

const START = 'POST /admin/sync HTTP/1.1\r\nHost: x\r\n'
const AUTHORIZED = `${START}Authorization: Bearer ${ADMIN_TOKEN}\r\nContent-Type: application/json\r\n`

function expectProblem(text: string, status: number): void {
  expect(statusOf(text)).toBe(status)
  expect(text).toContain('Content-Type: application/problem+json')
  const requestId = /x-request-id: (.+)\r\n/i.exec(text)?.[1]
  expect(bodyOf(text)).toMatchObject({ type: 'about:blank', status, code: 'invalid_request', requestId })
  expect(http.logLines).toContainEqual(expect.objectContaining({ requestId, status }))
}

/** The server's side of the next connection, when it is gone. */
async function closedOf(server: RawServer): Promise<void> {
  const [socket] = (await once(server.server, 'connection')) as [Socket]
  await closed(socket)
}

/** Writes a few bytes again and again until the other side has enough. */
async function dripInto(socket: Socket, bytes: string): Promise<string> {
  const drip = setInterval(() => socket.write(bytes), 5)
  const text = await everything(socket)
  clearInterval(drip)
  return text
}

// What a busy sender is told it may miss: its next write fails first.
const told408 = () =>
  http.logLines.some(({ message, status }) => message === 'request refused' && status === 408)

describe('a connection is given up', () => {
  const receiving = { headersTimeoutMs: SHORT_MS, requestTimeoutMs: SHORT_MS }

  test('that says nothing', async () => {
    const server = await listen({ ...receiving, requestTimeoutMs: NEVER_MS })
    expectProblem(await everything(await server.open()), 408)
  })

  test('whose headers never end, however busy it is', async () => {
    const server = await listen({ ...receiving, requestTimeoutMs: NEVER_MS })
    const socket = await server.open()
    socket.write(START)
    await dripInto(socket, 'X-More: 1\r\n')
    expect(told408()).toBe(true)
  })

  test('whose body never ends, however busy it is', async () => {
    const server = await listen(receiving)
    const socket = await server.open()
    socket.write(`${AUTHORIZED}Content-Length: 100000\r\n\r\n`)
    await dripInto(socket, ' ')
    expect(told408()).toBe(true)
    await until(() => http.logLines.length === 2)
    expect(http.logLines[1]).toMatchObject({ message: 'http request', level: 'debug', status: 408 })
  })

  test('whose body stands still, and is told so', async () => {
    const server = await listen(receiving)
    expectProblem(await server.exchange(`${AUTHORIZED}Content-Length: 100000\r\n\r\n{`), 408)
  })

  test('whose body is still coming although it was answered, without a further word', async () => {
    const server = await listen(receiving)
    const socket = await server.open()
    socket.write(`${START}Content-Length: 1000000000\r\n\r\n`)
    const text = await dripInto(socket, 'x'.repeat(1000))
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401'])
    expect(told408()).toBe(false)
  })

  test('that does not read its answer', async () => {
    const server = await listen({ answerTimeoutMs: SHORT_MS }, (_request, response) => {
      response.end(LONG_ANSWER)
    })
    const gone = closedOf(server)
    const socket = await server.open()
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await gone
    socket.destroy()
  })

  test('that waits for nothing any more', async () => {
    const server = await listen({ keepAliveTimeoutMs: SHORT_MS })
    expect(statusOf(await server.exchange('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'))).toBe(200)
  })

  test('of which the other side closed its half, wherever it stands', async () => {
    for (const bytes of [
      '',
      'GET /he',
      START,
      `${AUTHORIZED}Content-Length: 10\r\n\r\n{`,
      `${AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n5\r\n{`,
      'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
      `GET /admin/companies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`,
    ]) {
      const server = await listen()
      const gone = closedOf(server)
      const socket = await server.open()
      socket.end(bytes)
      await gone
      await everything(socket)
    }
  })
})

describe('the time limits of the service', () => {
  test('let every honest request through, and lie below or above a router’s as they must', () => {
    const { headersTimeoutMs, requestTimeoutMs, answerTimeoutMs, keepAliveTimeoutMs, checkIntervalMs } =
      SERVER_LIMITS
    expect(headersTimeoutMs).toBeLessThan(requestTimeoutMs)
    // Heroku's router answers in our place at 30 s, and `?wait=` takes up to 25.
    expect(requestTimeoutMs + checkIntervalMs).toBeLessThan(30_000)
    expect(answerTimeoutMs).toBeGreaterThan(requestTimeoutMs + 25_000)
    // It closes a connection that is idle for 90 s.
    expect(keepAliveTimeoutMs).toBeGreaterThan(90_000)
  })

  test('are those of its server', async () => {
    const raw = await listenRaw(http.app, http.options.log)
    servers.push(raw)
    expect(raw.server).toMatchObject({
      headersTimeout: SERVER_LIMITS.headersTimeoutMs,
      requestTimeout: SERVER_LIMITS.requestTimeoutMs,
      keepAliveTimeout: SERVER_LIMITS.keepAliveTimeoutMs,
      maxConnections: SERVER_LIMITS.mostConnections,
      timeout: 0,
    })
  })
})

describe('a server that is closed', () => {
  test('is not held up by a hundred connections that are silent, slow, deaf or waiting', async () => {
    const server = await listen({}, (request, response) => {
      if (request.url === '/long') response.end(LONG_ANSWER)
      else if (request.url !== '/never') http.app(request, response)
    })
    const kinds = [
      '',
      'GET /he',
      START,
      `${AUTHORIZED}Content-Length: 100\r\n\r\n{`,
      `${START}Content-Length: 100000000\r\n\r\n`,
      'GET /long HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /never HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /never HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20),
      'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n',
    ]
    const reached = new Promise<void>((resolve) => {
      let connections = 0
      server.server.on('connection', () => {
        connections += 1
        if (connections === 100) resolve()
      })
    })
    const sockets = await Promise.all(Array.from({ length: 100 }, () => server.open()))
    await reached
    for (const [index, socket] of sockets.entries()) socket.pause().write(kinds[index % kinds.length]!)
    await closeServer(server.server, stopping, SHORT_MS)
    servers.length = 0
    for (const socket of sockets) socket.destroy()
    expect(server.server.listening).toBe(false)
  })

  const KEPT = 'GET /one HTTP/1.1\r\nHost: x\r\n\r\n'

  /** A server that begins to close while it has one request in hand, with what ends that one. */
  async function closing(graceMs: number) {
    let handle: RequestListener = stopping
    const server = await listen({}, (request, response) => handle(request, response))
    servers.length = 0
    const inHand = new Promise<ServerResponse>((resolve) => {
      handle = (_request, response) => resolve(response)
    })
    const idle = await server.open()
    const socket = await server.open()
    const text = everything(socket)
    socket.write(KEPT)
    const response = await inHand
    handle = stopping
    return { server, idle, text, response, end: closeServer(server.server, stopping, graceMs) }
  }

  test('lets a request under way end, and closes its connection with the answer though it would be kept', async () => {
    const { text, response, end } = await closing(NEVER_MS)
    response.end('done')
    expect(await text).toMatch(/^HTTP\/1.1 200 .*Connection: close.*done/s)
    await end
  })

  test('answers a request that needs longer than there is', async () => {
    const { text, end, server } = await closing(SHORT_MS)
    await end
    expect(await text).toMatch(/^HTTP\/1.1 503 .*Connection: close.*"detail":"the service is stopping"/s)
    expect(server.server.listening).toBe(false)
  })

  test('answers what comes meanwhile, that it is stopping, and closes those connections too', async () => {
    const { server, response, end } = await closing(NEVER_MS)
    const told = await server.exchange(KEPT)
    expect(told).toMatch(/^HTTP\/1.1 503 .*Retry-After.*"code":"unavailable"/is)
    expect(told).toMatch(/connection: close/i)
    expect(await server.exchange('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /)
    response.end()
    await end
  })
})

describe('more connections than there may be', () => {
  test('are closed at once, which the log tells once, and places that become free are given again', async () => {
    const server = await listen({ mostConnections: 2 })
    const held = [await server.open(), await server.open()]
    for (let further = 0; further < 3; further += 1) expect(await everything(await server.open())).toBe('')
    const warnings = () => http.logLines.filter(({ level }) => level === 'warn')
    expect(warnings()).toEqual([
      expect.objectContaining({ message: 'too many connections: further ones are closed', most: 2 }),
    ])
    for (const socket of held) socket.destroy()
    await untilConnections(server, 0)
    expect(
      statusOf(await server.exchange('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')),
    ).toBe(200)
    await untilConnections(server, 0)
    for (let more = 0; more < 3; more += 1) await server.open()
    await until(() => warnings().length === 2)
  })

  async function untilConnections({ server }: RawServer, wanted: number): Promise<void> {
    await until(
      () => new Promise((resolve) => server.getConnections((_error, open) => resolve(open === wanted))),
    )
  }
})
