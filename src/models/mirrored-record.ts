import { LedgerModel } from './ledger-model.ts'

/** What every mirrored record carries besides its content. */
export class MirroredRecord extends LedgerModel {
  static override get idColumn(): string[] {
    return ['realm_id', 'qbo_id']
  }

  declare realmId: string
  declare qboId: string
  declare syncToken: string | null
  declare sourceCreatedAt: Date | null
  declare sourceUpdatedAt: Date
  declare sourceValidFrom: Date
  declare observedAt: Date
  declare lastSyncedAt: Date
  declare deletedAt: Date | null
  declare validFrom: Date
  declare contentHash: string
  declare mappingVersion: number
  declare syncRunId: number
  declare txId: string
  declare raw: Record<string, unknown>
}
