import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Readable } from 'node:stream'

import { LedgerError, toLedgerError } from '../domain/ledger-error.ts'
import type { CallOperation, QuickBooksCall } from '../domain/quickbooks-call.ts'
import pLimit from 'p-limit'

import { intuitTidOf, isSuccess, type Reply } from './answer.ts'
import { withHook } from './axios-hook.ts'
import { receiveBody, type TakeTurn } from './receive-body.ts'

export interface Request<T> {
  readonly operation: CallOperation
  /** For the whole call: from waiting for a socket to the last byte of the body. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly onCall?: ((call: QuickBooksCall) => void) | undefined
  readonly toUrl?: (url: string) => string
  /** Starts the call of node-quickbooks. Its callback may fire twice, late or never. */
  readonly start: (callback: (error: unknown) => void) => void
  /** Turns an answer into the result, or throws what is wrong with it. */
  readonly read: (reply: Reply) => T | Promise<T>
}

export interface Transport {
  /**
   * @throws LedgerError: what `read` throws; `unavailable` when no complete answer came, or one larger than we read at
   *   once; the signal's own reason if that is a LedgerError. None of them holds the request.
   */
  send<T>(request: Request<T>): Promise<T>
  /** Aborts calls in flight, refuses new ones, and closes the kept-alive sockets. */
  close(): void
}

// Intuit is said to allow one app at most 40 concurrent requests; any more wait here instead of there.
const MOST_SOCKETS = 40
// Gateways close an idle connection after about a minute; if we close it first, no request can be cut off.
const IDLE_SOCKET_MS = 20_000
// A record of 10,000 lines, the most that QuickBooks allows, comes to 3 MB; a page of 1,000 invoices rarely to 8.
const MOST_ANSWER_BYTES = 8_000_000
// How many heavy answers are received and read at once: more would not be faster, and each is held whole.
const HEAVY_AT_ONCE = 2

/**
 * node-quickbooks plus what it lacks: a promise that settles once, a time limit, an abort, kept-alive sockets, the
 * status and headers of answers, and errors without tokens.
 */
export function createTransport({ now }: { readonly now: () => number }): Transport {
  const agentOptions = { keepAlive: true, maxSockets: MOST_SOCKETS, timeout: IDLE_SOCKET_MS }
  const agents = { httpAgent: new HttpAgent(agentOptions), httpsAgent: new HttpsAgent(agentOptions) }
  const closing = new AbortController()
  const takeTurn = pLimit(HEAVY_AT_ONCE)
  return {
    send: (request) =>
      send(request, {
        agents,
        takeTurn,
        now,
        signals: [closing.signal, ...(request.signal ? [request.signal] : [])],
      }),
    close: () => {
      closing.abort()
      agents.httpAgent.destroy()
      agents.httpsAgent.destroy()
    },
  }
}

/** How a call ended, as in QuickBooksCall. */
interface Ending {
  readonly status: string
  readonly metered: boolean
  readonly intuitTid: string | null
}

interface Surroundings {
  readonly agents: Agents
  readonly takeTurn: TakeTurn
  readonly now: () => number
  /** Each of these aborts the call. */
  readonly signals: readonly AbortSignal[]
}

type Agents = { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent }

function send<T>(request: Request<T>, { agents, takeTurn, now, signals }: Surroundings): Promise<T> {
  const { operation, timeoutMs } = request
  const aborted = signals.find((signal) => signal.aborted)
  if (aborted) return Promise.reject(givenUp(aborted))
  const startedAt = now()
  const inFlight = new AbortController()
  return new Promise<T>((resolve, reject) => {
    let isSettled = false
    let isSent = false
    let isAnswered = false
    const settle = (ending: Ending, conclude: () => T | Promise<T>): void => {
      if (isSettled) return
      isSettled = true
      unguard()
      try {
        if (isSent) request.onCall?.({ operation, durationMs: now() - startedAt, ...ending })
        Promise.resolve(conclude()).then(resolve, (error: unknown) => reject(toLedgerError(error)))
      } catch (error) {
        reject(toLedgerError(error))
      }
    }
    const unguard = guard(timeoutMs, signals, (status, error) => {
      settle(noAnswer(status), () => raise(error))
      inFlight.abort()
    })
    const fail = (error: unknown, status?: number): void =>
      settle(endingWithoutAnswer(error, operation, status), () =>
        raise(isSent ? failureOf(error, timeoutMs) : neverSent(error)),
      )
    const hook = {
      ...agents,
      timeoutMs,
      signal: inFlight.signal,
      toUrl: request.toUrl ?? ((url: string) => url),
      onRequest: () => {
        isSent = true
      },
      onAnswer: (status: number, headers: Readonly<Record<string, string>>, body: Readable) => {
        isAnswered = true
        const concluded = Promise.withResolvers<void>()
        receiveBody(body, { takeTurn, mostBytes: MOST_ANSWER_BYTES }, (bytes) => {
          settle(endingOf({ status, headers }, operation), async () => {
            try {
              return await (bytes
                ? request.read({ status, headers, bytes })
                : raise(tooHeavy(status, headers)))
            } finally {
              concluded.resolve()
            }
          })
          return concluded.promise
        }).catch((error: unknown) => fail(error, status))
      },
    }
    // node-quickbooks calls back while the body is still being received; its result means nothing.
    const onCallback = (error: unknown): void => {
      if (!isAnswered) fail(error)
    }
    try {
      withHook(hook, () => request.start(onCallback))
    } catch (error) {
      onCallback(error)
    }
  })
}

/**
 * Watches the time limit and the signals of a call. axios has a limit too, but it starts again with every byte.
 *
 * @returns ends the watch
 */
function guard(
  timeoutMs: number,
  signals: readonly AbortSignal[],
  giveUp: (status: string, error: LedgerError) => void,
): () => void {
  const onAbort = ({ target }: Event): void => giveUp('reset', givenUp(target as AbortSignal))
  const timer = setTimeout(() => giveUp('timeout', timedOut(timeoutMs)), timeoutMs)
  for (const signal of signals) signal.addEventListener('abort', onAbort)
  return () => {
    clearTimeout(timer)
    for (const signal of signals) signal.removeEventListener('abort', onAbort)
  }
}

function endingOf(reply: Omit<Reply, 'bytes'>, operation: CallOperation): Ending {
  const metered = isSuccess(reply) && isMetered(operation)
  return { status: String(reply.status), metered, intuitTid: intuitTidOf(reply) }
}

function noAnswer(status: string, metered = false): Ending {
  return { status, metered, intuitTid: null }
}

/** Intuit meters reads of the Accounting API, never its token endpoints. */
function isMetered(operation: CallOperation): boolean {
  return operation !== 'refresh' && operation !== 'revoke'
}

function endingWithoutAnswer(error: unknown, operation: CallOperation, status?: number): Ending {
  // A connection that broke within the body of a 2xx: Intuit has counted the call.
  const metered = isMetered(operation) && status !== undefined && isSuccess({ status })
  return noAnswer(isTimeout(error) ? 'timeout' : 'reset', metered)
}

function failureOf(error: unknown, timeoutMs: number): LedgerError {
  if (isTimeout(error)) return timedOut(timeoutMs)
  const code = property(error, 'code')
  const message = `the connection to QuickBooks failed${typeof code === 'string' ? `: ${code}` : ''}`
  return new LedgerError('unavailable', message, { cause: bareCause(error) })
}

function neverSent(error: unknown): LedgerError {
  return new LedgerError('internal', 'node-quickbooks made no request of a call', { cause: bareCause(error) })
}

function timedOut(timeoutMs: number): LedgerError {
  return new LedgerError('unavailable', `QuickBooks did not answer within ${timeoutMs} ms`, {
    details: { fewerMayDo: 'late' },
  })
}

function tooHeavy(status: number, headers: Reply['headers']): LedgerError {
  const message = `QuickBooks answered with more than the ${MOST_ANSWER_BYTES} bytes that are read at once`
  return new LedgerError('unavailable', message, {
    details: { intuitTid: intuitTidOf({ headers }), httpStatus: status, fewerMayDo: 'heavy' },
  })
}

/** Whoever aborted the call may have given a reason of the domain, such as a lost lease. */
function givenUp(signal: AbortSignal): LedgerError {
  const reason: unknown = signal.reason
  if (reason instanceof LedgerError) return reason
  return new LedgerError('unavailable', 'the call to QuickBooks was aborted')
}

function isTimeout(error: unknown): boolean {
  const code = property(error, 'code')
  return code === 'ECONNABORTED' || code === 'ETIMEDOUT'
}

/** An axios error holds its request, and with it the token: only its message and code are passed on. */
function bareCause(error: unknown): Error {
  const words = [property(error, 'code'), property(error, 'message')].filter(Boolean)
  return new Error(words.length > 0 ? words.join(': ') : String(error))
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function raise(error: LedgerError): never {
  throw error
}
