import { Model, type RelationMappings } from 'objection'
import { Customer } from './customer.ts'
import { MirroredRecord } from './mirrored-record.ts'
import { SyncState } from './sync-state.ts'

/** A row of `invoices`. */
export class Invoice extends MirroredRecord {
  static override get tableName(): string {
    return 'invoices'
  }

  static override get relationMappings(): RelationMappings {
    return {
      customer: {
        relation: Model.BelongsToOneRelation,
        modelClass: Customer,
        join: {
          from: ['invoices.realm_id', 'invoices.customer_id'],
          to: ['customers.realm_id', 'customers.qbo_id'],
        },
      },
      versions: {
        relation: Model.HasManyRelation,
        modelClass: InvoiceVersion,
        join: {
          from: ['invoices.realm_id', 'invoices.qbo_id'],
          to: ['invoices_versions.realm_id', 'invoices_versions.qbo_id'],
        },
      },
      syncStates: {
        relation: Model.HasManyRelation,
        modelClass: SyncState,
        join: { from: 'invoices.realm_id', to: 'sync_states.realm_id' },
      },
    }
  }

  declare customerId: string | null
  declare customerName: string | null
  declare docNumber: string | null
  declare txnDate: string
  declare dueDate: string | null
  declare currency: string | null
  declare exchangeRate: string | null
  declare totalAmount: string
  declare balance: string
  declare homeTotalAmount: string | null
  declare homeBalance: string | null
  declare emailStatus: string | null
  declare privateNote: string | null
  declare voided: boolean
  declare customer?: Customer | null
  declare versions?: InvoiceVersion[]
  declare syncStates?: SyncState[]
}

/** A row of `invoices_versions`: held in [validFrom, validTo); the current one has no end. */
export class InvoiceVersion extends Invoice {
  static override get tableName(): string {
    return 'invoices_versions'
  }

  static override get idColumn(): string[] {
    return ['realm_id', 'qbo_id', 'valid_from']
  }

  static override get relationMappings(): RelationMappings {
    return {}
  }

  declare validTo: Date | null
}
