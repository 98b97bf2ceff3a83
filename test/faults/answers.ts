import type { CompanyStatus } from '../../src/domain/company.ts'
import type { ErrorCode } from '../../src/domain/ledger-error.ts'
import type { FaultKind } from '../../src/sandbox/faults.ts'
import { INTERVAL_SECONDS } from '../setup/mirror.ts'
import { MINUTES, TICK_SECONDS } from './hour.ts'

/** How a failure is answered for as long as it lasts, as the table of errors says. */
export interface Answered {
  readonly code: ErrorCode
  /** The wait after each failure, of which the first has number 0: it bounds how often the company is tried. */
  readonly waitSeconds: (failure: number) => number
  /** How the company stands after the hour. */
  readonly status: CompanyStatus
  /** What a person does once the cause is gone, and how long it takes from there until all is mirrored. */
  readonly mended: 'by itself' | 'by resuming' | 'by new tokens'
  readonly withinMinutes: number
}

// The jitter of the tests stands in the middle of its range.
const JITTER = 0.5
const DAY_SECONDS = 86_400
export const AN_INTERVAL_MINUTES = INTERVAL_SECONDS / TICK_SECONDS

/** A minute, as Intuit asks, and up to half a minute more: no more than 30 tries in the hour. */
const throttled: Answered = {
  code: 'throttled',
  waitSeconds: () => 60 + 30 * JITTER,
  status: 'active',
  mended: 'by itself',
  withinMinutes: 2,
}

/** Half a minute, doubling to nine tenths of an interval, less up to half: no more than 10 tries in the hour. */
export const unavailable: Answered = {
  code: 'unavailable',
  waitSeconds: (failure) => Math.min(30 * 2 ** failure, 0.9 * INTERVAL_SECONDS) * (0.5 + JITTER / 2),
  status: 'active',
  mended: 'by itself',
  withinMinutes: AN_INTERVAL_MINUTES,
}

/** An interval, doubling to a day: three tries in the hour. */
const lapsed: Answered = {
  code: 'company_unavailable',
  waitSeconds: (failure) => Math.min(INTERVAL_SECONDS * 2 ** failure, DAY_SECONDS) * (0.9 + JITTER / 10),
  status: 'unavailable',
  mended: 'by resuming',
  withinMinutes: 0,
}

/** One try, and then none until a person comes. */
const refused: Answered = {
  code: 'needs_reauth',
  waitSeconds: () => Infinity,
  status: 'needs_reauth',
  mended: 'by new tokens',
  withinMinutes: 0,
}

/** Four tries of the queue, then an interval: a failure that the domain has no answer to. */
const defect: Answered = {
  code: 'internal',
  waitSeconds: (failure) => (failure % 4 === 3 ? INTERVAL_SECONDS : TICK_SECONDS),
  status: 'active',
  mended: 'by itself',
  withinMinutes: AN_INTERVAL_MINUTES,
}

/** What QuickBooks does to one company, and how that is answered. */
export const FAULTS_OF_ONE_COMPANY: Partial<Record<FaultKind, Answered>> = {
  throttled429: throttled,
  throttled429Gateway: throttled,
  throttled429Xml: throttled,
  throttled403: throttled,
  quotaExhausted: throttled,
  fault200LowerCase: throttled,
  enforceLimits: throttled,
  company6190: lapsed,
  company6190With200: lapsed,
  noDestination7001: lapsed,
  noDestination7001With400: lapsed,
  auth120: { ...refused, mended: 'by resuming' },
  invalidGrant: refused,
  expired3200: unavailable,
  wrongCluster130: unavailable,
  notFound404: unavailable,
  server500: unavailable,
  systemFault10000: unavailable,
  systemFault10000With400: unavailable,
  unavailable502Html: unavailable,
  unavailable503Html: unavailable,
  gatewayTimeout6002: unavailable,
  fault200: unavailable,
  html200: unavailable,
  emptyBody200: unavailable,
  connectionReset: unavailable,
  connectionResetMidBody: unavailable,
  truncatedJson: unavailable,
  hang: unavailable,
  tokenThrottled429: throttled,
  tokenServer503: unavailable,
  tokenHang: unavailable,
  tokenLostResponse: unavailable,
}

/** Refusals that may concern the company or the whole app. */
export const FAULTS_OF_A_COMPANY_OR_THE_APP: Partial<Record<FaultKind, Answered>> = {
  auth100: refused,
  forbidden3100: refused,
  forbidden3100With500: refused,
}

/** Codes that Intuit documents and our requests do not earn from the simulator, under status 400. */
export const FAULTS_NEVER_EARNED: Readonly<Record<string, Answered>> = {
  '2010, a property of the request that is wrong': defect,
  '4000, a query that cannot be parsed': defect,
  '4001, a query that names what does not exist': defect,
  '610, an object that is not found': { ...defect, code: 'not_found' },
  '5010, which only a writer gets': unavailable,
  '6140, which only a writer gets': unavailable,
  '6210, which only a writer gets': unavailable,
  '6240, which only a writer gets': unavailable,
}

/** Answers that no run fails for, told of where an hour of them is. */
export const SURVIVED: readonly FaultKind[] = [
  'slow',
  'limitPlusOne',
  'shortPage',
  'scrambleTies',
  'poisonedRecord',
  'staleRead',
  'groupFault',
]

/** The minutes of the hour in which a company is tried: the first tick after each wait. */
export function triesFrom(first: number, { waitSeconds }: Answered): number[] {
  const tries: number[] = []
  for (let minute = first; minute <= MINUTES;) {
    tries.push(minute)
    minute += Math.ceil(waitSeconds(tries.length - 1) / TICK_SECONDS)
  }
  return tries
}
