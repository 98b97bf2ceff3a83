import { Model, type RelationMappings } from 'objection'
import { MirroredRecord } from './mirrored-record.ts'
import { SyncState } from './sync-state.ts'
import { Vendor } from './vendor.ts'

/** A row of `bills`. */
export class Bill extends MirroredRecord {
  static override get tableName(): string {
    return 'bills'
  }

  static override get relationMappings(): RelationMappings {
    return {
      vendor: {
        relation: Model.BelongsToOneRelation,
        modelClass: Vendor,
        join: { from: ['bills.realm_id', 'bills.vendor_id'], to: ['vendors.realm_id', 'vendors.qbo_id'] },
      },
      versions: {
        relation: Model.HasManyRelation,
        modelClass: BillVersion,
        join: {
          from: ['bills.realm_id', 'bills.qbo_id'],
          to: ['bills_versions.realm_id', 'bills_versions.qbo_id'],
        },
      },
      syncStates: {
        relation: Model.HasManyRelation,
        modelClass: SyncState,
        join: { from: 'bills.realm_id', to: 'sync_states.realm_id' },
      },
    }
  }

  declare vendorId: string | null
  declare vendorName: string | null
  declare docNumber: string | null
  declare txnDate: string
  declare dueDate: string | null
  declare currency: string | null
  declare exchangeRate: string | null
  declare totalAmount: string
  declare balance: string
  declare homeBalance: string | null
  declare apAccountId: string | null
  declare privateNote: string | null
  declare vendor?: Vendor | null
  declare versions?: BillVersion[]
  declare syncStates?: SyncState[]
}

/** A row of `bills_versions`: held in [validFrom, validTo); the current one has no end. */
export class BillVersion extends Bill {
  static override get tableName(): string {
    return 'bills_versions'
  }

  static override get idColumn(): string[] {
    return ['realm_id', 'qbo_id', 'valid_from']
  }

  static override get relationMappings(): RelationMappings {
    return {}
  }

  declare validTo: Date | null
}
