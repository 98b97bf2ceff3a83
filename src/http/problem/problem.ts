import { STATUS_CODES } from 'node:http'
import { whyPostgresAway } from '../../db/postgres-away.ts'
import { LedgerError, toLedgerError, type ErrorCode } from '../../domain/ledger-error.ts'

export function tooLarge(mostBytes: number): Problem {
  return refusal(413, `the body is larger than ${mostBytes / 1024} kB`)
}

/** A refusal before it becomes an HTTP answer. */
export interface Problem {
  readonly status: number
  readonly code: ErrorCode
  /** Safe to show. */
  readonly detail: string
  readonly headers: Readonly<Record<string, string>>
  /** Members beside those of RFC 9457. */
  readonly members: Readonly<Record<string, unknown>>
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** The body that describes a problem (RFC 9457) to whoever sent the request of that id. */
export function problemText({ status, code, detail, members }: Problem, requestId: string): string {
  return JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
    instance: `urn:ledger-mirror:request:${encodeURIComponent(requestId)}`,
    requestId,
    ...members,
  })
}

/** The one place that decides how a request's failure is answered. */
export function problemOf(thrown: unknown): Problem {
  return middlewareProblem(thrown) ?? ledgerProblem(asLedgerError(thrown))
}

function asLedgerError(thrown: unknown): LedgerError {
  const away = whyPostgresAway(thrown)
  return away === null ? toLedgerError(thrown) : new LedgerError('unavailable', away, { cause: thrown })
}

/** A refusal decided on the spot, without a LedgerError. */
export function refusal(status: number, detail: string, headers: Problem['headers'] = {}): Problem {
  return { status, code: 'invalid_request', detail, headers, members: {} }
}

function ledgerProblem(error: LedgerError): Problem {
  const { fields, intuitTid } = error.details
  return {
    ...answerTo(error),
    code: error.code,
    detail: error.code === 'internal' ? 'something went wrong inside the service' : error.message,
    members: { ...(fields && { errors: fields }), ...(intuitTid && { intuitTid }) },
  }
}

// After a 429 Intuit wants a minute; a service that merely did not answer is worth retrying sooner.
const THROTTLED_SECONDS = 60
const UNAVAILABLE_SECONDS = 15

function answerTo(error: LedgerError): Pick<Problem, 'status' | 'headers'> {
  switch (error.code) {
    case 'invalid_request':
      return { status: 400, headers: {} }
    case 'unauthorized':
      return { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } }
    case 'forbidden':
      return { status: 403, headers: {} }
    case 'too_many_attempts':
      return { status: 429, headers: retryAfter(error, THROTTLED_SECONDS) }
    case 'not_found':
      return { status: 404, headers: {} }
    case 'never_synced':
    case 'needs_reauth':
    case 'token_unreadable':
    case 'wrong_environment':
    case 'company_unavailable':
    case 'company_inactive':
      return { status: 409, headers: {} }
    case 'throttled':
      return { status: 503, headers: retryAfter(error, THROTTLED_SECONDS) }
    case 'unavailable':
    case 'token_expired':
    case 'lease_lost':
      return { status: 503, headers: retryAfter(error, UNAVAILABLE_SECONDS) }
    case 'app_misconfigured':
    case 'budget_spent':
    case 'quota_exhausted':
      return { status: 503, headers: {} }
    // What QuickBooks sent could not be used: the client's request was not wrong.
    case 'window_exceeded':
    case 'invalid_payload':
    case 'poisoned_page':
    case 'mass_disappearance':
      return { status: 502, headers: {} }
    case 'internal':
      return { status: 500, headers: {} }
  }
}

function retryAfter(error: LedgerError, usualSeconds: number): Record<string, string> {
  return { 'Retry-After': String(Math.ceil(error.details.retryAfterSeconds ?? usualSeconds)) }
}

/** What Express and its body parser throw. Their messages quote the request, secrets included: they are not shown. */
function middlewareProblem(thrown: unknown): Problem | null {
  if (!(thrown instanceof Error)) return null
  if (thrown instanceof URIError) return badField('path', 'is not percent-encoded properly')
  const { type, status, expose, limit } = thrown as Error & Partial<Record<string, unknown>>
  if (type === 'entity.parse.failed') return badField('body', 'is not a JSON object')
  if (type === 'entity.too.large') return tooLarge(Number(limit))
  if (status === 415) return refusal(415, 'the body has an encoding or character set that is not understood')
  if (expose === true && typeof status === 'number' && status >= 400 && status < 500) {
    return badField('body', 'could not be read')
  }
  return null
}

function badField(field: string, message: string): Problem {
  const members = { errors: [{ field, message }] }
  return { status: 400, code: 'invalid_request', detail: `${field}: ${message}`, headers: {}, members }
}
