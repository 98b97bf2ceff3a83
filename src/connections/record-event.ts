import type { Tx } from '../db/database.ts'

/** Events of a company, or of the service, that are kept for ever. */
export type EventKind =
  | 'registered'
  | 'connected'
  | 'tokens_replaced'
  | 'paused'
  | 'resumed'
  | 'disconnected'
  | 'reconnect_needed'
  | 'settings_changed'
  | 'full_sync_requested'
  | 'disappearance_confirmed'
  | 'service_stopped'
  | 'service_resumed'
  | 'purged'

/** Who did it. */
export interface Doer {
  /** Such as `admin token`. */
  readonly actor: string
  /** Id of the HTTP request, as answered and logged; null if no request caused it. */
  readonly requestId: string | null
}

/** What the service does by itself. */
export const BY_SERVICE: Doer = { actor: 'service', requestId: null }

export interface CompanyEventRecord {
  /** Null if it concerns the service as a whole. */
  readonly realmId: string | null
  readonly kind: EventKind
  /** What a person needs to understand it; never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>
}

/** Records an event in the transaction in which it happens. */
export async function recordEvent(
  tx: Tx,
  { realmId, kind, detail = {} }: CompanyEventRecord,
  { actor, requestId }: Doer,
): Promise<void> {
  await tx.trx.raw(
    `INSERT INTO company_events (at, realm_id, kind, actor, detail, request_id)
     VALUES (:now, :realmId, :kind, :actor, CAST(:detail AS jsonb), :requestId)`,
    { now: tx.now, realmId, kind, actor, detail: JSON.stringify(detail), requestId },
  )
}
