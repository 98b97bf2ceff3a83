import type { ErrorCode } from './ledger-error.ts'

/**
 * Why all calls to QuickBooks may be stopped until somebody mends it or a new month begins. A pause because many
 * companies are throttled is none: it ends by itself.
 */
export const STOP_CODES = [
  'budget_spent',
  'app_misconfigured',
  'quota_exhausted',
] as const satisfies readonly ErrorCode[]
export type StopCode = (typeof STOP_CODES)[number]

export function isStopCode(code: ErrorCode): code is StopCode {
  return (STOP_CODES as readonly string[]).includes(code)
}

/** All calls stopped, or go on: what the log says in one line, whichever process found it out. */
export type StopChange =
  | { readonly kind: 'stopped'; readonly code: StopCode; readonly reason: string; readonly until: Date }
  | { readonly kind: 'resumed'; readonly code: StopCode; readonly stoppedSince: Date }
