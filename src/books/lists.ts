import type { Entity } from '../domain/entity.ts'

/** What a list of each entity is called, in addresses and in sentences. */
export const LISTS = {
  vendor: 'vendors',
  customer: 'customers',
  balance: 'balances',
  bill: 'bills',
  invoice: 'invoices',
} as const satisfies Record<Entity, string>
