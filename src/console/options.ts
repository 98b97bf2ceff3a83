import type { HttpOptions } from '../http/options.ts'

/** What the pages are given: the same as the API, which asks the same modules. */
export interface ConsoleOptions extends Pick<
  HttpOptions,
  | 'database'
  | 'log'
  | 'adminToken'
  | 'intervalSeconds'
  | 'pauseCompany'
  | 'resumeCompany'
  | 'disconnectCompany'
  | 'requestSync'
  | 'confirmDisappearance'
  | 'readDeadLetters'
  | 'redriveDeadLetters'
  | 'readQueueState'
  | 'stop'
> {
  readonly version: string
  /** A key that signs in once, printed at the start outside production; null: there is none. */
  readonly signInKey: string | null
  /** How often a sync under way is looked at while somebody watches it. */
  readonly progressPollMs: number
}
