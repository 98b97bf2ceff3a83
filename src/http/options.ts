import type { Express } from 'express'
import type { Logger } from 'winston'
import type { Confirmed } from '../connections/confirm-disappearance.ts'
import type { Doer } from '../connections/record-event.ts'
import type { AskedByWebhook } from '../connections/request-by-webhook.ts'
import type { Registration } from '../connections/register-company.ts'
import type { Database } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import type { Mode } from '../domain/sync-run.ts'
import type { ToldEvents } from '../domain/webhook.ts'
import type { DeadLetter } from '../jobs/dead-letters.ts'
import type { QueueState } from '../jobs/read-queue-state.ts'
import type { Redriven } from '../jobs/redrive.ts'
import type { Metrics } from '../metrics/metrics.ts'

/** What the HTTP room is given: where to read, what it may ask of other rooms, and which tokens to accept. */
export interface HttpOptions {
  readonly database: Database
  /** The release that runs. */
  readonly version: string
  /** Opens `/admin` and `/api`. */
  readonly adminToken: string
  /** Opens `/api` too, and nothing else; null: there is none. */
  readonly readToken: string | null
  /** Opens `/metrics`; null: open to everybody. */
  readonly metricsToken: string | null
  readonly log: Logger
  /** Why this process is not ready; empty when it is. */
  readonly readiness: () => Promise<readonly string[]>
  readonly metrics: Pick<Metrics, 'contentType' | 'render' | 'observeHttpRequest'>
  readonly registerCompany: (
    registration: Registration,
    by: Doer,
  ) => Promise<{ created: boolean; request: number | null }>
  readonly pauseCompany: (realmId: string, by: Doer) => Promise<void>
  readonly resumeCompany: (realmId: string, by: Doer) => Promise<void>
  /** Returns why Intuit did not revoke the tokens; null when it did. */
  readonly disconnectCompany: (realmId: string, by: Doer) => Promise<string | null>
  /** Returns the numbers of the requests, queued by then; companies that are not synced are left out. */
  readonly requestSync: (
    realmIds: readonly string[] | 'all',
    request: { readonly mode: Mode; readonly by: Doer },
  ) => Promise<ReadonlyMap<string, number>>
  /** What Intuit signs webhooks with; null: none are taken. */
  readonly webhookVerifierToken: string | null
  /** Asks for a run of each company that QuickBooks tells of, and counts what it told. */
  readonly requestByWebhook: (events: ToldEvents) => Promise<AskedByWebhook>
  /** Throws `not_found` when nothing of that entity is in doubt. */
  readonly confirmDisappearance: (realmId: string, entity: Entity, by: Doer) => Promise<Confirmed>
  /** Jobs that the queue has given up, oldest first. */
  readonly readDeadLetters: () => Promise<DeadLetter[]>
  /** Asks for a run of the company of each and takes the letters away. */
  readonly redriveDeadLetters: (ids: readonly string[] | 'all', by: Doer) => Promise<Redriven>
  readonly readQueueState: () => Promise<QueueState>
  readonly intervalSeconds: number
  /** How often `?wait=` looks for the run. */
  readonly waitPollMs: number
  /** Adds the pages for people, which have a way of signing in of their own. */
  readonly addPages?: (app: Express) => void
  /** Aborts when the service is asked to stop: waiting requests are answered at once. */
  readonly stop: AbortSignal
}
