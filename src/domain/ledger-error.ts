/** Every failure the service knows by name. A new code does not compile until each edge says what it does with it. */
export const ERROR_CODES = [
  'throttled',
  'unavailable',
  'token_expired',
  'needs_reauth',
  'app_misconfigured',
  'token_unreadable',
  'wrong_environment',
  'company_unavailable',
  'window_exceeded',
  'invalid_payload',
  'poisoned_page',
  'mass_disappearance',
  'budget_spent',
  'quota_exhausted',
  'lease_lost',
  'invalid_request',
  'not_found',
  'never_synced',
  'unauthorized',
  'forbidden',
  'too_many_attempts',
  'company_inactive',
  'internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface ErrorDetails {
  /** Intuit's own id of the call, for its support. */
  readonly intuitTid?: string | null
  /** Intuit's fault code with leading zeros stripped, such as `3200`. */
  readonly faultCode?: string | null
  /** HTTP status of the answer that caused this, if there was one. */
  readonly httpStatus?: number | null
  /** How long the other side asked us to wait. */
  readonly retryAfterSeconds?: number | null
  /** It was not a question about a company's books but the renewal of its tokens, which Intuit does not meter. */
  readonly atTokenEndpoint?: boolean
  /**
   * The refusal may concern the company or the whole app: Intuit uses 401 100 and 403 3100 for both. Callers must look
   * at the other companies before blaming this one.
   */
  readonly ambiguous?: boolean
  /**
   * Why asking for fewer records may work: one of them may break the answer, QuickBooks takes too long to serve them,
   * or together they exceed what we read at once.
   */
  readonly fewerMayDo?: 'record' | 'late' | 'heavy'
  /** The wrong fields of the request, one message each. */
  readonly fields?: readonly { readonly field: string; readonly message: string }[]
}

/** The one error class: a code to act on, a message for a person (never with a secret), the cause, details. */
export class LedgerError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'LedgerError'
    this.code = code
    this.details = options.details ?? {}
  }
}

/** Any thrown value as a LedgerError; an unknown one becomes `internal`, with the original as its cause. */
export function toLedgerError(thrown: unknown): LedgerError {
  if (thrown instanceof LedgerError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new LedgerError('internal', message, { cause: thrown })
}
