import type { ContentOf } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { mapBalance } from './map-balance.ts'
import { mapBill } from './map-bill.ts'
import { mapCustomer } from './map-customer.ts'
import { mapInvoice } from './map-invoice.ts'
import { mapVendor } from './map-vendor.ts'
import type { Mapping } from './mapping.ts'
import type { FindMethod } from './node-quickbooks.ts'
import type { JsonObject } from '../domain/parse-json.ts'

/** Intuit's names for one entity, and how its payload is mapped. */
export interface Mapper<E extends Entity = Entity> {
  /** The key of its rows in every answer. */
  readonly intuitName: string
  /** The query method of node-quickbooks. */
  readonly find: FindMethod
  /** True if records have `Active`: inactive ones are served only when the query mentions it. */
  readonly hasActive: boolean
  /** Top-level fields that are not content, in addition to those that never are. */
  readonly noise: readonly string[]
  readonly toContent: (payload: JsonObject, mapping: Mapping) => ContentOf[E]
}

// What vendors and customers owe or are owed: sums that move with every bill. OpenBalanceDate is set once and is
// content.
const PARTY_BALANCES = ['Balance', 'BalanceWithJobs', 'OpenBalance', 'OverDueBalance']

/** The registry: adding an entity to this room is a mapper file and a line here. */
export const MAPPERS: { readonly [E in Entity]: Mapper<E> } = {
  vendor: {
    intuitName: 'Vendor',
    find: 'findVendors',
    hasActive: true,
    noise: PARTY_BALANCES,
    toContent: mapVendor,
  },
  customer: {
    intuitName: 'Customer',
    find: 'findCustomers',
    hasActive: true,
    noise: PARTY_BALANCES,
    toContent: mapCustomer,
  },
  balance: {
    intuitName: 'Account',
    find: 'findAccounts',
    hasActive: true,
    noise: [],
    toContent: mapBalance,
  },
  bill: { intuitName: 'Bill', find: 'findBills', hasActive: false, noise: [], toContent: mapBill },
  invoice: {
    intuitName: 'Invoice',
    find: 'findInvoices',
    hasActive: false,
    noise: [],
    toContent: mapInvoice,
  },
}
