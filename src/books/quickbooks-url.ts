import type { Entity } from '../domain/entity.ts'

const APPS: Readonly<Record<string, string>> = {
  production: 'https://app.qbo.intuit.com/app',
  sandbox: 'https://app.sandbox.qbo.intuit.com/app',
}

const PAGES: Readonly<Record<Entity, string>> = {
  bill: 'bill?txnId=',
  invoice: 'invoice?txnId=',
  balance: 'register?accountId=',
  vendor: 'vendordetail?nameId=',
  customer: 'customerdetail?nameId=',
}

/**
 * Where a person sees the record in QuickBooks, once signed in to its company. The addresses are those that QuickBooks'
 * own pages show; Intuit documents none. Null for the simulator, which has no pages, and without a connection.
 */
export function quickBooksUrl(environment: string | null, entity: Entity, qboId: string): string | null {
  const app = environment === null ? undefined : APPS[environment]
  return app === undefined ? null : `${app}/${PAGES[entity]}${qboId}`
}
