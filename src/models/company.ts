import { Model, type RelationMappings } from 'objection'
import type { CompanyStatus } from '../domain/company.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import type { Mode, Trigger } from '../domain/sync-run.ts'
import { LedgerModel } from './ledger-model.ts'
import { SyncReject } from './sync-reject.ts'
import { SyncRun } from './sync-run.ts'
import { SyncState } from './sync-state.ts'

/** What the firm may set for a company instead of QuickBooks. */
export type SetByFirm = 'name' | 'time_zone'

/** A row of `companies`. */
export class Company extends LedgerModel {
  static override get tableName(): string {
    return 'companies'
  }

  static override get idColumn(): string {
    return 'realm_id'
  }

  static override get relationMappings(): RelationMappings {
    return {
      syncStates: {
        relation: Model.HasManyRelation,
        modelClass: SyncState,
        join: { from: 'companies.realm_id', to: 'sync_states.realm_id' },
      },
      runs: {
        relation: Model.HasManyRelation,
        modelClass: SyncRun,
        join: { from: 'companies.realm_id', to: 'sync_runs.realm_id' },
      },
      rejects: {
        relation: Model.HasManyRelation,
        modelClass: SyncReject,
        join: { from: 'companies.realm_id', to: 'sync_rejects.realm_id' },
      },
    }
  }

  declare realmId: string
  declare name: string | null
  declare status: CompanyStatus
  declare statusCode: ErrorCode | null
  declare statusChangedAt: Date
  declare homeCurrency: string | null
  declare country: string | null
  declare timeZone: string | null
  declare nextSyncAt: Date
  declare notBefore: Date | null
  declare notBeforeCode: ErrorCode | null
  declare recentCalls: Date[]
  declare requestedSeq: number
  declare fullRequestedSeq: number
  declare personRequestedSeq: number
  declare servedSeq: number
  declare requestedMode: Mode
  declare requestedTrigger: Trigger
  declare lastWebhookAt: Date | null
  /** In [0, 1): its position within an interval. */
  declare syncPhase: number
  declare failuresInARow: number
  declare failingSince: Date | null
  declare failingCode: ErrorCode | null
  declare failingCodeSince: Date | null
  declare lastSuccessAt: Date | null
  declare lastServedAt: Date | null
  declare createdAt: Date
  declare lastReconciledAt: Date | null
  declare reconcileAskedAt: Date | null
  declare reconcileSeq: number
  declare maxLagMinutes: number | null
  declare tags: string[]
  /** Columns that the firm has set itself. */
  declare setByFirm: SetByFirm[]
  declare syncStates?: SyncState[]
  declare runs?: SyncRun[]
  declare rejects?: SyncReject[]
}
