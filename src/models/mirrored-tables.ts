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
  /** Columns that hold the content, by the name they have in the domain. */
  readonly content: Readonly<Record<keyof ContentOf[Of], string>>
}

/** The registry: where each entity is kept. A new entity is one line here and one for its mapper. */
export const MIRRORED_TABLES: { readonly [Of in Entity]: MirroredTable<Of> } = {
  vendor: mirrored<'vendor'>(Vendor, ['displayName', 'companyName', 'currency', 'active']),
  customer: mirrored<'customer'>(Customer, [
    'displayName',
    'fullyQualifiedName',
    'parentId',
    'currency',
    'active',
  ]),
  balance: mirrored<'balance'>(Balance, [
    'accountName',
    'fullyQualifiedName',
    'accountType',
    'accountSubType',
    'classification',
    'currency',
    'currentBalance',
    'currentBalanceWithSubAccounts',
    'parentId',
    'active',
  ]),
  bill: mirrored<'bill'>(Bill, [
    'vendorId',
    'vendorName',
    'docNumber',
    'txnDate',
    'dueDate',
    'currency',
    'exchangeRate',
    'totalAmount',
    'balance',
    'homeBalance',
    'apAccountId',
    'privateNote',
  ]),
  invoice: mirrored<'invoice'>(Invoice, [
    'customerId',
    'customerName',
    'docNumber',
    'txnDate',
    'dueDate',
    'currency',
    'exchangeRate',
    'totalAmount',
    'balance',
    'homeTotalAmount',
    'homeBalance',
    'emailStatus',
    'privateNote',
    'voided',
  ]),
}

function mirrored<Of extends Entity>(
  model: typeof MirroredRecord,
  content: readonly (keyof ContentOf[Of] & string)[],
): MirroredTable<Of> {
  const columns = Object.fromEntries(content.map((name) => [name, snakeCase(name)]))
  return { model, table: model.tableName, content: columns as Record<keyof ContentOf[Of], string> }
}
