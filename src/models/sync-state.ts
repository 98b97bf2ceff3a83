import type { Entity } from '../domain/entity.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import { LedgerModel } from './ledger-model.ts'

/** A row of `sync_states`: up to when one entity of one company is complete. */
export class SyncState extends LedgerModel {
  static override get tableName(): string {
    return 'sync_states'
  }

  static override get idColumn(): string[] {
    return ['realm_id', 'entity']
  }

  declare realmId: string
  declare entity: Entity
  declare watermark: Date | null
  declare lastSyncedAt: Date | null
  declare listing: Record<string, unknown> | null
  declare mappingVersion: number
  /** How many rows a page of its listing asks for; null: as many as QuickBooks serves. */
  declare pageRows: number | null
  /** Since when the mirror holds the entity as a whole, by Postgres' clock. */
  declare completeSince: Date | null
  declare capturedUntil: Date | null
  declare errorCode: ErrorCode | null
  declare errorMessage: string | null
  declare errorIntuitTid: string | null
  declare errorSince: Date | null
  declare errorFailures: number
  declare notBefore: Date | null
  declare owes: 'capture' | 'listing' | null
}
