import type { Entity } from '../domain/entity.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import { LedgerModel } from './ledger-model.ts'

/** A row of `sync_rejects`. */
export class SyncReject extends LedgerModel {
  static override get tableName(): string {
    return 'sync_rejects'
  }

  declare id: number
  declare realmId: string
  declare entity: Entity
  declare qboId: string | null
  declare position: string | null
  declare payload: string
  declare code: ErrorCode
  declare reason: string
  declare intuitTid: string | null
  declare sourceUpdatedAt: Date | null
  declare observedAt: Date | null
  declare syncRunId: number
  declare firstSeenAt: Date
  declare lastSeenAt: Date
  declare attempts: number
  declare retryAt: Date
  declare resolvedAt: Date | null
}
