import { LedgerError, type ErrorCode, type ErrorDetails } from '../domain/ledger-error.ts'
import type { CallOperation } from '../domain/quickbooks-call.ts'
import { intuitTidOf, isSuccess, type Answer } from './answer.ts'
import { excerpt } from './excerpt.ts'
import { findFault, type Fault } from './find-fault.ts'
import { isJsonObject } from '../domain/parse-json.ts'

export interface FaultContext {
  readonly operation: CallOperation
  /** Must never appear in a message, even if the answer repeats it. */
  readonly secrets: readonly string[]
  /** Epoch ms, for a Retry-After that names a date. */
  readonly nowMs: number
}

// QuickBooks could demand any wait; one try a day costs nothing, and the company is never forgotten.
const LONGEST_RETRY_AFTER_SECONDS = 86_400

// Codes that mean the same under every status seen so far.
const CODES: Readonly<Record<string, ErrorCode>> = {
  '3001': 'throttled',
  '3200': 'token_expired',
  '3100': 'needs_reauth',
  '6190': 'company_unavailable',
  '7001': 'company_unavailable',
  '610': 'not_found',
  '10000': 'unavailable',
}

// Small numbers that mean this only when access is refused.
const ACCESS_CODES: Readonly<Record<string, ErrorCode>> = {
  '100': 'needs_reauth',
  '120': 'needs_reauth',
  '130': 'unavailable',
}

// Intuit uses one code for refusing the app and for refusing a single company.
const AMBIGUOUS_CODES = ['100', '3100']

/**
 * The error in an answer of the Accounting API; null for a 2xx whose body is a JSON object without a fault. HTTP 200
 * may carry a fault, and a gateway in front may answer in XML or HTML.
 *
 * Anything unknown is `unavailable`, unknown 4xx codes included: retrying with growing pauses harms nothing and the
 * failure's text shows it, whereas calling it a defect of ours would send the job to the dead letters. A 401 without a
 * readable code counts as an expired token: one renewal will tell.
 */
export function faultOf(answer: Answer, context: FaultContext): LedgerError | null {
  const fault = findFault(answer)
  if (!fault && isSuccess(answer) && isJsonObject(answer.body)) return null
  const code = decide(answer, fault, context.operation)
  return new LedgerError(code, describe(answer, fault, context.secrets), {
    details: {
      ...detailsOf(answer, fault, context.nowMs),
      ...(isAmbiguous(code, fault) ? { ambiguous: true } : {}),
      ...fewerMayDo(answer, fault, code, context.operation),
    },
  })
}

/** How long the other side asks us to wait, in seconds; null if it does not say. */
export function retryAfterSeconds(answer: Answer, nowMs: number): number | null {
  const header = answer.headers['retry-after']?.trim()
  if (!header) return null
  const seconds = /^\d+$/.test(header) ? Number(header) : secondsUntil(header, answer.headers['date'], nowMs)
  return Number.isNaN(seconds) ? null : Math.min(Math.max(Math.ceil(seconds), 0), LONGEST_RETRY_AFTER_SECONDS)
}

function decide(answer: Answer, fault: Fault | null, operation: CallOperation): ErrorCode {
  const code = fault?.code ?? ''
  if (answer.status === 429) return 'throttled'
  const known = CODES[code] ?? (isAboutAccess(answer, fault) ? ACCESS_CODES[code] : undefined)
  if (known) return known
  if (answer.status === 401 && code === '') return 'token_expired'
  if (operation === 'cdc' && isTooOld(answer, fault)) return 'window_exceeded'
  if (isOurMistake(code)) return 'internal'
  return 'unavailable'
}

function isAboutAccess({ status }: Answer, fault: Fault | null): boolean {
  return status === 401 || status === 403 || (fault?.type.toLowerCase().startsWith('auth') ?? false)
}

/** The code with which Intuit refuses an old changedSince is not documented, so we go by its message. */
function isTooOld({ status }: Answer, fault: Fault | null): boolean {
  return status === 400 && /changed\s*since|30\s*days/i.test(fault?.text ?? '')
}

/** 2xxx: a request property; 4000: the query cannot be read; 4001: it names what does not exist. */
function isOurMistake(code: string): boolean {
  return /^2\d{3}$/.test(code) || code === '4000' || code === '4001'
}

function describe(answer: Answer, fault: Fault | null, secrets: readonly string[]): string {
  if (!fault) return `QuickBooks answered ${answer.status} with ${bodyKind(answer)}`
  const named = fault.code === null ? 'a fault' : `fault ${fault.code}`
  const words = excerpt(fault.text, secrets)
  return `QuickBooks answered ${answer.status} with ${named}${words === '' ? '' : `: ${words}`}`
}

function bodyKind({ text, body }: Answer): string {
  if (text.trim() === '') return 'an empty body'
  if (body !== undefined) return 'JSON that is not what was asked for'
  return text.trimStart().startsWith('<') ? 'a page of markup' : 'a body that is no JSON'
}

function detailsOf(answer: Answer, fault: Fault | null, nowMs: number): ErrorDetails {
  const wait = retryAfterSeconds(answer, nowMs)
  return {
    intuitTid: intuitTidOf(answer),
    httpStatus: answer.status,
    faultCode: fault?.code ?? null,
    ...(wait === null ? {} : { retryAfterSeconds: wait }),
  }
}

function isAmbiguous(code: ErrorCode, fault: Fault | null): boolean {
  return code === 'needs_reauth' && AMBIGUOUS_CODES.includes(fault?.code ?? '')
}

// The calls that ask for records, and so can ask for fewer.
const ASKING_FOR_RECORDS: readonly CallOperation[] = ['query', 'cdc', 'read_by_id']
// Our codes for faults that one record may cause, whatever Intuit's code: 4002 and 10000 were seen, 610 is documented
// for a missing reference.
const POSSIBLY_A_RECORD: readonly ErrorCode[] = ['unavailable', 'internal', 'not_found']
// GatewayTimeout.
const LATE_CODE = '6002'

/**
 * Any fault that is not about access, limits or time may be caused by one record. Behaviour tells: then it recurs for
 * the same query, but not for both of its halves.
 */
function fewerMayDo(
  answer: Answer,
  fault: Fault | null,
  code: ErrorCode,
  operation: CallOperation,
): Pick<ErrorDetails, 'fewerMayDo'> {
  if (!ASKING_FOR_RECORDS.includes(operation) || !POSSIBLY_A_RECORD.includes(code)) return {}
  if (answer.status === 504 || fault?.code === LATE_CODE) return { fewerMayDo: 'late' }
  return fault && !isAboutAccess(answer, fault) ? { fewerMayDo: 'record' } : {}
}

/** Counted from the answer's own Date if it has one: our clock and theirs differ. */
function secondsUntil(date: string, answeredAt: string | undefined, nowMs: number): number {
  const from = Date.parse(answeredAt ?? '')
  return (Date.parse(date) - (Number.isNaN(from) ? nowMs : from)) / 1000
}
