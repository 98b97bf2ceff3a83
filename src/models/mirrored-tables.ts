import type { ContentOf } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { Balance } from './balance.ts'
import { Bill } from './bill.ts'
import { Customer } from './customer.ts'
import { Invoice } from './invoice.ts'
import { snakeCase } from './ledger-model.ts'
import type { MirroredRecord } from './mirrored-record.ts'
import { Vendor } from './vendor.ts'

export interface MirroredTable<Of extends Entity = Entity> {
  readonly model: typeof MirroredRecord
  readonly table: string
  /** Columns that hold the content, by their name in the domain. */
  readonly content: Readonly<Record<keyof ContentOf[Of], string>>
  /** Their Postgres types, by the same name. */
  readonly types: Readonly<Record<keyof ContentOf[Of], ColumnType>>
}

export type ColumnType = 'text' | 'numeric' | 'date' | 'boolean'

/** The registry: where each entity is kept. A new entity is one line here and one for its mapper. */
export const MIRRORED_TABLES: { readonly [Of in Entity]: MirroredTable<Of> } = {
  vendor: mirrored<'vendor'>(Vendor, {
    displayName: 'text',
    companyName: 'text',
    currency: 'text',
    active: 'boolean',
  }),
  customer: mirrored<'customer'>(Customer, {
    displayName: 'text',
    fullyQualifiedName: 'text',
    parentId: 'text',
    currency: 'text',
    active: 'boolean',
  }),
  balance: mirrored<'balance'>(Balance, {
    accountName: 'text',
    fullyQualifiedName: 'text',
    accountType: 'text',
    accountSubType: 'text',
    classification: 'text',
    currency: 'text',
    currentBalance: 'numeric',
    currentBalanceWithSubAccounts: 'numeric',
    parentId: 'text',
    active: 'boolean',
  }),
  bill: mirrored<'bill'>(Bill, {
    vendorId: 'text',
    vendorName: 'text',
    docNumber: 'text',
    txnDate: 'date',
    dueDate: 'date',
    currency: 'text',
    exchangeRate: 'numeric',
    totalAmount: 'numeric',
    balance: 'numeric',
    homeBalance: 'numeric',
    apAccountId: 'text',
    privateNote: 'text',
  }),
  invoice: mirrored<'invoice'>(Invoice, {
    customerId: 'text',
    customerName: 'text',
    docNumber: 'text',
    txnDate: 'date',
    dueDate: 'date',
    currency: 'text',
    exchangeRate: 'numeric',
    totalAmount: 'numeric',
    balance: 'numeric',
    homeTotalAmount: 'numeric',
    homeBalance: 'numeric',
    emailStatus: 'text',
    privateNote: 'text',
    voided: 'boolean',
  }),
}

function mirrored<Of extends Entity>(
  model: typeof MirroredRecord,
  types: Readonly<Record<keyof ContentOf[Of], ColumnType>>,
): MirroredTable<Of> {
  const columns = Object.fromEntries(Object.keys(types).map((name) => [name, snakeCase(name)]))
  return { model, table: model.tableName, content: columns as Record<keyof ContentOf[Of], string>, types }
}
