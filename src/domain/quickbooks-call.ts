/** What a call to Intuit was for. `refresh` and `revoke` go to the token endpoint and are never metered. */
export const CALL_OPERATIONS = [
  'cdc',
  'query',
  'count',
  'read_by_id',
  'company_info',
  'preferences',
  'refresh',
  'revoke',
] as const

export type CallOperation = (typeof CALL_OPERATIONS)[number]

/** One finished call to Intuit, successful or not. */
export interface QuickBooksCall {
  readonly operation: CallOperation
  /** The HTTP status as text, or `timeout` or `reset` when no answer came. */
  readonly status: string
  readonly durationMs: number
  /** Intuit counts reads of the Accounting API that it answered with 2xx. */
  readonly metered: boolean
  readonly intuitTid: string | null
}
