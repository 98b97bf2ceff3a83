import { gatewayFault, serviceFault } from './answer.ts'
import type { Answer } from './answer.ts'

/** Answers by which QuickBooks refuses, each as documented or captured. */

export function tokenExpired(atMs: number): Answer {
  return gatewayFault(
    401,
    {
      type: 'AUTHENTICATION',
      code: '3200',
      message: 'message=AuthenticationFailed; errorCode=003200; statusCode=401',
      detail: 'Token expired: the access token is unknown or no longer valid',
    },
    atMs,
  )
}

export function notAuthorized(atMs: number, status = 403): Answer {
  return gatewayFault(
    status,
    {
      type: 'AUTHORIZATION',
      code: '3100',
      message: `message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=${status}`,
      detail: 'The application is not authorized for this company',
    },
    atMs,
  )
}

export function queryParserError(detail: string, atMs: number): Answer {
  const fault = { code: '4000', message: 'Error parsing query', detail: `QueryParserError: ${detail}` }
  return serviceFault(400, { type: 'ValidationFault', ...fault }, atMs)
}

export function queryValidationError(detail: string, atMs: number): Answer {
  const fault = { code: '4001', message: 'Invalid query', detail: `QueryValidationError: ${detail}` }
  return serviceFault(400, { type: 'ValidationFault', ...fault }, atMs)
}

/** Which code an unacceptable request property of CDC gets is not established; 2xxx is the documented family. */
export function requestInvalid(detail: string, atMs: number): Answer {
  const fault = { code: '2010', message: 'Request has invalid or unsupported property', detail }
  return serviceFault(400, { type: 'ValidationFault', ...fault }, atMs)
}

export function objectNotFound(atMs: number): Answer {
  const detail = "Object Not Found : Something you're trying to use has been made inactive."
  return serviceFault(
    400,
    { type: 'ValidationFault', code: '610', message: 'Object Not Found', detail },
    atMs,
  )
}

/** QuickBooks itself would write; this one records the attempt and refuses. */
export function writeRefused(atMs: number): Answer {
  const detail = 'the simulator takes no writes over the API'
  return serviceFault(
    403,
    { type: 'AuthorizatonFault', code: '5020', message: 'Permission Denied Error', detail },
    atMs,
  )
}

export function systemFault(atMs: number, status = 500): Answer {
  const detail = 'An unexpected error occurred while accessing or saving your data.'
  const fault = {
    code: '10000',
    message: 'An application error has occurred while processing your request',
    detail,
  }
  return serviceFault(status, { type: 'SystemFault', ...fault }, atMs)
}

/** What a record that cannot be read makes of the answers that would hold it; a system fault is the one that was seen. */
export function unreadableRecord(atMs: number, status = 500, code = '10000'): Answer {
  if (code === '10000') return systemFault(atMs, status)
  const detail = 'QueryProcessingError: a record that was asked for cannot be read'
  return serviceFault(
    status,
    { type: 'ValidationFault', code, message: 'Error processing query', detail },
    atMs,
  )
}

const THROTTLED = {
  code: '3001',
  message: 'message=ThrottleExceeded; errorCode=003001; statusCode=429',
  detail: 'the request limit was reached',
}

export function throttled(atMs: number, status = 429): Answer {
  return serviceFault(status, { type: 'SERVICE', ...THROTTLED }, atMs)
}

export function throttledByGateway(atMs: number): Answer {
  return gatewayFault(429, { type: 'SERVICE', ...THROTTLED, code: '003001' }, atMs)
}

/** The body of this answer is not established; the status is said to be 429. */
export function quotaExhausted(atMs: number): Answer {
  const detail = 'The monthly limit of CorePlus API calls of this workspace was reached'
  return serviceFault(429, { type: 'SERVICE', ...THROTTLED, detail }, atMs)
}
