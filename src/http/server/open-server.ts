import { createServer, STATUS_CODES, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'winston'
import { PROBLEM_TYPE, problemText, refusal } from '../problem/problem.ts'
import { REQUEST_ID, requestIdFor } from '../request/request-id.ts'
import { noteCutOff } from '../request/request-log.ts'

/** How long a connection may take over each of its phases, and how many there may be. */
export interface ServerLimits {
  /** From the opening of a connection, or the first byte of a later request, to the end of its headers. */
  readonly headersTimeoutMs: number
  /** From the same moment to the end of the body. */
  readonly requestTimeoutMs: number
  /** From the end of the headers until the client has read the last byte of the answer. */
  readonly answerTimeoutMs: number
  /** Between two requests. */
  readonly keepAliveTimeoutMs: number
  /** How often the first two are checked: they fire at most this late. */
  readonly checkIntervalMs: number
  readonly mostConnections: number
}

export const SERVER_LIMITS: ServerLimits = {
  // Headers fit into a few packets; a connection that says nothing is one whose headers never come.
  headersTimeoutMs: 10_000,
  // The largest body is 100 kB, which a bad mobile line sends in 10 s; and a router answers for us at 30 s.
  requestTimeoutMs: 20_000,
  // A slow body, the longest `?wait=` (25 s), and 15 s for a page of some megabytes. Routers themselves limit the wait
  // for the first byte to 30 s, but not an answer that is read a byte at a time.
  answerTimeoutMs: 60_000,
  // Above the 60 s of AWS's balancers and the 90 s of Heroku's router (whose own examples use 95): the side that sends
  // requests must close first, or a request may reach a socket that is just closing.
  // https://devcenter.heroku.com/articles/http-routing#keepalives
  keepAliveTimeoutMs: 95_000,
  // Costs microseconds: Node keeps connections ordered by age.
  checkIntervalMs: 1_000,
  // Far more than a router opens. Without an end, strangers could hold every file descriptor of the process, and
  // Postgres and Intuit would be out of reach.
  mostConnections: 1_000,
}

/**
 * A server that drops clients which are slow to send, silent, or slow to read, and answers malformed HTTP with an
 * explanation. Every request that reaches `handle` has exactly one Host, as HTTP/1.1 requires.
 */
export function openServer({
  handle,
  log,
  limits = SERVER_LIMITS,
}: {
  readonly handle: RequestListener
  readonly log: Logger
  readonly limits?: ServerLimits
}): Server {
  const talks = new WeakMap<Duplex, Talk>()
  const answers = new Set<ServerResponse>()
  const server = createServer({
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    // Node's own refusal has no body.
    requireHostHeader: false,
  })
  server.maxConnections = limits.mostConnections
  answersOf.set(server, answers)
  server.on('request', (request, response) => {
    answers.add(response)
    response.once('close', () => answers.delete(response))
    follow(talks, response, limits.answerTimeoutMs)
    if (request.httpVersion === '1.1' && request.headersDistinct['host']?.length !== 1) {
      refuse(log, response, 400, 'a request must name one Host')
    } else handle(request, response)
  })
  server.on('checkExpectation', (_request, response) => {
    follow(talks, response, limits.answerTimeoutMs)
    refuse(log, response, 417, 'only 100-continue can be expected')
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const talk = talks.get(socket)
    if (error.code === 'ECONNRESET' || !socket.writable || !canBeAnswered(talk)) return void socket.destroy()
    const [status, detail] = reasonOf(error)
    if (talk) noteCutOff(talk.latest, status)
    hangUp(log, socket, status, detail)
  })
  server.on('connect', (_request, socket) => hangUp(log, socket, 405, 'CONNECT is not possible here'))
  tellOfDrops(server, log, limits.mostConnections)
  return server
}

const answersOf = new WeakMap<Server, ReadonlySet<ServerResponse>>()

/** The unfinished answers of a server. */
export function answersUnderWay(server: Server): ServerResponse[] {
  return [...(answersOf.get(server) ?? [])]
}

/** What is under way on one connection. */
interface Talk {
  /** Answers that are not finished: several where requests are sent without waiting. */
  open: number
  latest: ServerResponse
}

function follow(talks: WeakMap<Duplex, Talk>, response: ServerResponse, answerTimeoutMs: number): void {
  const { socket } = response.req
  const talk = talks.get(socket) ?? { open: 0, latest: response }
  talk.open += 1
  talk.latest = response
  talks.set(socket, talk)
  const giveUp = setTimeout(() => socket.destroy(), answerTimeoutMs).unref()
  response.once('close', () => {
    talk.open -= 1
    clearTimeout(giveUp)
  })
}

/** Not in the middle of an answer, nor after the answer to a request whose body is still arriving. */
function canBeAnswered(talk: Talk | undefined): boolean {
  if (talk === undefined) return true
  return talk.open === 0 ? talk.latest.req.complete : talk.open === 1 && !talk.latest.headersSent
}

const REASONS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to arrive'],
  HPE_HEADER_OVERFLOW: [431, 'the address and the headers are larger than 16 kB'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunks carry too many extensions'],
}

function reasonOf({ code = '' }: NodeJS.ErrnoException): readonly [status: number, detail: string] {
  return REASONS[code] ?? [400, 'this is not HTTP/1.1']
}

function refuse(log: Logger, response: ServerResponse, status: number, detail: string): void {
  const requestId = requestIdFor(response.req.headers[REQUEST_ID])
  const text = problemText(refusal(status, detail), requestId)
  const headers = {
    [REQUEST_ID]: requestId,
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': Buffer.byteLength(text),
    Connection: 'close',
  }
  log.debug('request refused', { requestId, status, detail })
  response.writeHead(status, headers).end(text)
}

/** The last answer on a connection that the HTTP parser has given up on. */
function hangUp(log: Logger, socket: Duplex, status: number, detail: string): void {
  // What came cannot be read, so that an id in it cannot either.
  const requestId = requestIdFor(undefined)
  const text = problemText(refusal(status, detail), requestId)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `${REQUEST_ID}: ${requestId}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ]
  log.debug('request refused', { requestId, status, detail })
  socket.write([...head, '', text].join('\r\n'))
  // Not only ended: the other side may never close.
  socket.destroy()
}

/** Logs once that connections are being refused, and again only after half of the places have been free. */
function tellOfDrops(server: Server, log: Logger, most: number): void {
  let isFull = false
  server.on('drop', () => {
    if (!isFull) log.warn('too many connections: further ones are closed', { most })
    isFull = true
  })
  server.on('connection', () =>
    server.getConnections((_error, open) => {
      if (open <= most / 2) isFull = false
    }),
  )
}
