import { Model, type RelationMappings } from 'objection'
import { MirroredRecord } from './mirrored-record.ts'
import { SyncState } from './sync-state.ts'

/** A row of `balances`: an account and its balance. */
export class Balance extends MirroredRecord {
  static override get tableName(): string {
    return 'balances'
  }

  static override get relationMappings(): RelationMappings {
    return {
      parent: {
        relation: Model.BelongsToOneRelation,
        modelClass: Balance,
        join: {
          from: ['balances.realm_id', 'balances.parent_id'],
          to: ['balances.realm_id', 'balances.qbo_id'],
        },
      },
      versions: {
        relation: Model.HasManyRelation,
        modelClass: BalanceVersion,
        join: {
          from: ['balances.realm_id', 'balances.qbo_id'],
          to: ['balances_versions.realm_id', 'balances_versions.qbo_id'],
        },
      },
      syncStates: {
        relation: Model.HasManyRelation,
        modelClass: SyncState,
        join: { from: 'balances.realm_id', to: 'sync_states.realm_id' },
      },
    }
  }

  declare accountName: string
  declare fullyQualifiedName: string | null
  declare accountType: string | null
  declare accountSubType: string | null
  declare classification: string | null
  declare currency: string | null
  declare currentBalance: string | null
  declare currentBalanceWithSubAccounts: string | null
  declare parentId: string | null
  declare active: boolean
  declare parent?: Balance | null
  declare versions?: BalanceVersion[]
  declare syncStates?: SyncState[]
}

/** A row of `balances_versions`: held in [validFrom, validTo); the current one has no end. */
export class BalanceVersion extends Balance {
  static override get tableName(): string {
    return 'balances_versions'
  }

  static override get idColumn(): string[] {
    return ['realm_id', 'qbo_id', 'valid_from']
  }

  static override get relationMappings(): RelationMappings {
    return {}
  }

  declare validTo: Date | null
}
