import { gatewayFault, jsonAnswer, serviceFault } from './answer.ts'
import type { Answer } from './answer.ts'
import {
  notAuthorized,
  quotaExhausted,
  systemFault,
  throttled,
  throttledByGateway,
  tokenExpired,
} from './fault-bodies.ts'
import { pacificMillisecond } from './pacific-time.ts'

/** Faults that replace the whole answer to a data call, and nothing else happens. */
export const FAULT_ANSWERS = {
  throttled429: (atMs) => throttled(atMs),
  throttled429Gateway: throttledByGateway,
  throttled429Xml: throttledXml,
  throttled403: (atMs) => throttled(atMs, 403),
  quotaExhausted,
  company6190: (atMs) => companyStatus(atMs, 400),
  company6190With200: (atMs) => companyStatus(atMs, 200),
  noDestination7001: (atMs) => noDestination(atMs, 403),
  noDestination7001With400: (atMs) => noDestination(atMs, 400),
  expired3200: tokenExpired,
  auth100: (atMs) => authentication(atMs, '100', 'General Authentication Error'),
  auth120: adminRightsLost,
  wrongCluster130: (atMs) => authentication(atMs, '130', 'WrongCluster'),
  forbidden3100: (atMs) => notAuthorized(atMs),
  forbidden3100With500: (atMs) => notAuthorized(atMs, 500),
  notFound404: () => html(404, 'Not Found'),
  server500: unsupportedOperation,
  systemFault10000: (atMs) => systemFault(atMs),
  systemFault10000With400: (atMs) => systemFault(atMs, 400),
  unavailable502Html: () => html(502, "We'll be back soon"),
  unavailable503Html: () => html(503, '503 Service Temporarily Unavailable'),
  gatewayTimeout6002: (atMs) => gatewayTimeout(atMs),
  fault200: (atMs) => systemFault(atMs, 200),
  fault200LowerCase: (atMs) => ({ ...throttledByGateway(atMs), status: 200 }),
  html200: () => html(200, 'Sign in'),
  emptyBody200: () => jsonAnswer(200, ''),
} satisfies Record<string, (atMs: number) => Answer>

/** Faults that replace the answer of the token server. */
export const TOKEN_FAULT_ANSWERS = {
  invalidGrant,
  invalidClient,
  tokenThrottled429,
  tokenServer503: () => html(503, '503 Service Temporarily Unavailable'),
} satisfies Record<string, (atMs: number) => Answer>

export function invalidGrant(): Answer {
  const body = { error: 'invalid_grant', error_description: 'Incorrect or invalid refresh token' }
  return jsonAnswer(400, JSON.stringify(body))
}

export function invalidClient(): Answer {
  return jsonAnswer(401, JSON.stringify({ error: 'invalid_client' }))
}

/** As once the calls of a month are used up; its body is not established. */
function tokenThrottled429(): Answer {
  return jsonAnswer(429, '')
}

function companyStatus(atMs: number, status: number): Answer {
  const detail = 'Subscription period has ended or canceled or there was a billing problem'
  return serviceFault(
    status,
    { type: 'ValidationFault', code: '6190', message: 'Invalid Company Status', detail },
    atMs,
  )
}

function noDestination(atMs: number, status: number): Answer {
  const message = `message=NoDestination; errorCode=007001; statusCode=${status}`
  return gatewayFault(
    status,
    { type: 'AUTHORIZATION', code: '7001', message, detail: 'No destination found for given partition key' },
    atMs,
  )
}

/** As long as the person who connected administers the company no more. */
export function adminRightsLost(atMs: number): Answer {
  return authentication(atMs, '120', 'Authorization Failure')
}

function authentication(atMs: number, code: string, reason: string): Answer {
  const message = `message=${reason.replaceAll(' ', '')}; errorCode=${code.padStart(6, '0')}; statusCode=401`
  return gatewayFault(401, { type: 'AUTHENTICATION', code, message, detail: reason }, atMs)
}

function unsupportedOperation(atMs: number): Answer {
  const fault = { code: '500', message: 'Unsupported Operation', detail: 'Operation is not supported.' }
  return serviceFault(500, { type: 'SystemFault', ...fault }, atMs)
}

function gatewayTimeout(atMs: number): Answer {
  const message = 'message=GatewayTimeout; errorCode=006002; statusCode=504'
  return gatewayFault(504, { type: 'SERVICE', code: '6002', message, detail: 'Gateway Timeout' }, atMs)
}

function throttledXml(atMs: number): Answer {
  const body =
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' +
    `<IntuitResponse time="${pacificMillisecond(atMs)}" xmlns="http://schema.intuit.com/finance/v3">` +
    '<Fault type="SERVICE"><Error code="3001">' +
    '<Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>' +
    '<Detail>the request limit was reached</Detail></Error></Fault></IntuitResponse>'
  return { status: 429, contentType: 'application/xml', body }
}

function html(status: number, title: string): Answer {
  const body = `<html><head><title>${title}</title></head><body><center><h1>${title}</h1></center></body></html>`
  return { status, contentType: 'text/html', body }
}
