import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Response } from 'express'
import { Refusal } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Call, CallRecorder } from './call-log.ts'
import { FAULT_ANSWERS, TOKEN_FAULT_ANSWERS } from './fault-answers.ts'
import type { ActiveFault, FaultBox, FaultKind } from './faults.ts'

export interface ExchangeServices {
  now: () => number
  seed: number
  calls: CallRecorder
  faults: FaultBox
  /** Aborted when the simulator stops: nothing waits any longer. */
  stopped: AbortSignal
}

export interface Exchange {
  call: Call
  faults: ActiveFault[]
}

/** Takes up one request: from here on it is in the log. */
export function beginExchange(
  services: ExchangeServices,
  call: Omit<Call, 'status' | 'metered' | 'atMs' | 'intuitTid'>,
): Exchange {
  const atMs = services.now()
  // By company, so that what happens to one does not depend on how often the others were called.
  const serial = `${call.realmId} ${services.calls.total(call.realmId)}`
  const digest = createHash('sha1').update(`${services.seed} ${atMs} ${serial} ${call.path}`).digest('hex')
  const begun = services.calls.begin({
    ...call,
    atMs,
    intuitTid: `1-${digest.slice(0, 8)}-${digest.slice(8, 32)}`,
  })
  return { call: begun, faults: services.faults.matching(begun) }
}

/** Answers one request through all faults that strike it. `produce` may throw a Refusal. */
export async function finishExchange(
  services: ExchangeServices,
  response: Response,
  exchange: Exchange,
  produce: () => Answer,
): Promise<void> {
  await delays(services, exchange)
  if (services.stopped.aborted || response.destroyed) return
  if (strike(exchange, 'connectionReset')) return reset(response)
  const answer = struckAnswer(exchange) ?? answerOf(produce)
  if (strike(exchange, 'tokenLostResponse')) return reset(response)
  services.calls.answered(exchange.call, answer.status)
  send(response, exchange, answer)
}

/** The fault of that kind that strikes this call, with one strike used up. */
export function strike({ faults }: Exchange, kind: FaultKind): ActiveFault | null {
  const fault = faults.find(({ spec, strikesLeft }) => spec.kind === kind && strikesLeft > 0)
  if (!fault) return null
  fault.strikesLeft -= 1
  return fault
}

async function delays({ stopped }: ExchangeServices, exchange: Exchange): Promise<void> {
  const slow = strike(exchange, 'slow')
  if (slow) await wait(slow.spec.delayMs ?? 0, undefined, { signal: stopped }).catch(() => undefined)
  const hanging = strike(exchange, 'hang') ?? strike(exchange, 'tokenHang')
  if (!hanging) return
  const over = AbortSignal.any([hanging.gone.signal, stopped])
  if (!over.aborted) await once(over, 'abort')
}

function struckAnswer(exchange: Exchange): Answer | null {
  const answers: Record<string, (atMs: number) => Answer> = { ...FAULT_ANSWERS, ...TOKEN_FAULT_ANSWERS }
  for (const { spec } of exchange.faults) {
    const make = answers[spec.kind]
    if (!make || !strike(exchange, spec.kind)) continue
    const answer = make(exchange.call.atMs)
    if (spec.retryAfterSeconds === undefined) return answer
    return { ...answer, headers: { 'Retry-After': String(spec.retryAfterSeconds) } }
  }
  return null
}

function answerOf(produce: () => Answer): Answer {
  try {
    return produce()
  } catch (error) {
    if (error instanceof Refusal) return error.answer
    throw error
  }
}

function send(response: Response, exchange: Exchange, answer: Answer): void {
  const whole = Buffer.from(answer.body)
  const half = whole.subarray(0, Math.floor(whole.length / 2))
  const body = strike(exchange, 'truncatedJson') ? half : whole
  response.writeHead(answer.status, {
    'Content-Type': answer.contentType,
    'Content-Length': body.length,
    intuit_tid: exchange.call.intuitTid,
    'QBO-Version': '2026.1118',
    ...answer.headers,
  })
  if (strike(exchange, 'connectionResetMidBody')) response.write(half, () => response.socket?.destroy())
  else response.end(body)
}

/** The peer sees a reset, not an orderly end. */
function reset(response: Response): void {
  response.socket?.resetAndDestroy()
}
