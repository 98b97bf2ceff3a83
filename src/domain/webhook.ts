/** What becomes of an event of a webhook. */
export const WEBHOOK_OUTCOMES = ['asked', 'inactive', 'unknown_company', 'ignored', 'unreadable'] as const

export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number]

/** What a webhook told of. */
export interface ToldEvents {
  /** How many events of each company tell of something that may be mirrored. */
  readonly companies: ReadonlyMap<string, number>
  /** Events of what is not mirrored. */
  readonly ignored: number
  /** Members of the body in which no company and entity were found. */
  readonly unreadable: number
}
