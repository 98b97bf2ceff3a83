import { LISTS } from '../books/lists.ts'
import type { Entity } from '../domain/entity.ts'

/** What people call the records of an entity, one and many. */
export const ENTITY_WORDS: { readonly [Of in Entity]: { readonly one: string; readonly many: string } } = {
  bill: { one: 'Bill', many: 'Bills' },
  invoice: { one: 'Invoice', many: 'Invoices' },
  balance: { one: 'Account', many: 'Balances' },
  vendor: { one: 'Vendor', many: 'Vendors' },
  customer: { one: 'Customer', many: 'Customers' },
}

/** In the order in which a bookkeeper looks for them. */
export const SHOWN_ENTITIES = [
  'bill',
  'invoice',
  'balance',
  'vendor',
  'customer',
] as const satisfies readonly Entity[]

export function companyPath(realmId: string, part = ''): string {
  return `/console/companies/${realmId}${part === '' ? '' : `/${part}`}`
}

export function recordPath(realmId: string, entity: Entity, qboId: string, part = ''): string {
  return companyPath(realmId, `${LISTS[entity]}/${qboId}${part === '' ? '' : `/${part}`}`)
}
