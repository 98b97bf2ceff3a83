import type { ErrorCode, LedgerError } from './ledger-error.ts'

/**
 * What a failed run leads to. `later`: the job is done, the company waits. `reauth`: no call until new tokens come.
 * `lapsed`: the subscription ended, one attempt a day. `halt`: no call for any company. `retry`: a defect or a crash,
 * for the queue to try again. `again`: what failed has been replaced meanwhile, so the failure means nothing and the
 * company is tried at once. `gone`: another process has the company; nothing is left to do.
 */
export type Fate =
  | { readonly kind: 'later'; readonly delaySeconds: number }
  | { readonly kind: 'reauth' }
  | { readonly kind: 'lapsed'; readonly delaySeconds: number }
  | { readonly kind: 'halt'; readonly delaySeconds: number }
  | { readonly kind: 'retry' }
  | { readonly kind: 'again' }
  | { readonly kind: 'gone' }

export interface FateContext {
  /** Consecutive failures of the company or the entity, not counting this one. */
  readonly failuresBefore: number
  readonly intervalSeconds: number
  /** In [0, 1): spreads companies that failed together. */
  readonly jitter: number
}

// Intuit's documentation: after a 429 wait a minute.
const THROTTLE_WAIT_SECONDS = 60
// Half of it is random, so that companies refused together do not come back together.
const THROTTLE_JITTER_SECONDS = 30
const FIRST_BACKOFF_SECONDS = 30
const DAY_SECONDS = 86_400
// A wrong secret stays wrong until a person acts; a try every five minutes notices the fix soon enough.
const HALT_SECONDS = 300

/** The one place that decides what follows a failed run. */
export function fateOf(error: LedgerError, context: FateContext): Fate {
  switch (error.code) {
    case 'throttled': {
      const asked = error.details.retryAfterSeconds ?? THROTTLE_WAIT_SECONDS
      return { kind: 'later', delaySeconds: asked + context.jitter * THROTTLE_JITTER_SECONDS }
    }
    case 'unavailable':
    case 'token_unreadable':
    case 'wrong_environment':
    case 'token_expired':
    case 'poisoned_page':
    case 'window_exceeded':
      return { kind: 'later', delaySeconds: backoffSeconds(context) }
    case 'mass_disappearance':
      return { kind: 'later', delaySeconds: DAY_SECONDS }
    case 'company_unavailable':
      return { kind: 'lapsed', delaySeconds: lapsedSeconds(context) }
    case 'needs_reauth':
      return { kind: 'reauth' }
    case 'app_misconfigured':
      return { kind: 'halt', delaySeconds: HALT_SECONDS }
    case 'lease_lost':
      return { kind: 'gone' }
    case 'company_inactive':
    case 'budget_spent':
    case 'quota_exhausted':
      return { kind: 'gone' }
    case 'invalid_payload':
    case 'invalid_request':
    case 'not_found':
    case 'never_synced':
    case 'unauthorized':
    case 'forbidden':
    case 'too_many_attempts':
    case 'internal':
      return { kind: 'retry' }
  }
}

/** True for a failure blamed on the company or its connection, as they were when the run used them. */
export function blamesCompany({ code }: LedgerError): boolean {
  return BLAMES_COMPANY.includes(code)
}

const BLAMES_COMPANY: readonly ErrorCode[] = [
  'needs_reauth',
  'company_unavailable',
  'token_unreadable',
  'wrong_environment',
]

/**
 * How long an entity waits after it failed while the others succeeded. Starts at half an interval, so that the next run
 * tries it again; where each attempt may list a whole company, doubles up to a day.
 */
export function entityWaitSeconds(
  error: LedgerError,
  context: FateContext,
  { listsIt }: { readonly listsIt: boolean },
): number {
  if (error.code === 'mass_disappearance') return DAY_SECONDS
  const half = context.intervalSeconds / 2
  const wait = listsIt ? Math.min(half * 2 ** Math.min(context.failuresBefore, 16), DAY_SECONDS) : half
  return wait * (0.9 + context.jitter / 10)
}

/** Doubles from half a minute up to nine tenths of an interval; the upper half of each step is random. */
function backoffSeconds({ failuresBefore, intervalSeconds, jitter }: FateContext): number {
  // By 2^16 the cap has long been reached; the bound keeps the power finite.
  const doubled = FIRST_BACKOFF_SECONDS * 2 ** Math.min(failuresBefore, 16)
  const capped = Math.min(doubled, intervalSeconds * 0.9)
  return capped * (0.5 + jitter / 2)
}

/** Doubles from one interval up to a day: a subscription renewed on the first day is noticed within the hour. */
function lapsedSeconds({ failuresBefore, intervalSeconds, jitter }: FateContext): number {
  const doubled = intervalSeconds * 2 ** Math.min(failuresBefore, 16)
  return Math.min(doubled, DAY_SECONDS) * (0.9 + jitter / 10)
}
