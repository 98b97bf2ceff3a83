import type { Entity } from '../domain/entity.ts'

/** Whom a bill or an invoice names. */
export interface ShownParty {
  readonly id: string | null
  readonly name: string | null
}

/** What every record shows of itself: times are ISO 8601 UTC. */
interface Shown {
  readonly realmId: string
  readonly qboId: string
  readonly syncToken: string | null
  readonly currency: string | null
  readonly sourceUpdatedAt: string
  readonly lastSyncedAt: string
  readonly rejectedSince: Date | null
  readonly validFrom: string
  readonly deletedAt: string | null
  readonly quickBooksUrl: string | null
}

/** Amounts are decimal text, days `YYYY-MM-DD`. */
interface ShownDocument extends Shown {
  readonly docNumber: string | null
  readonly txnDate: string
  readonly dueDate: string | null
  readonly exchangeRate: string | null
  readonly totalAmount: string
  readonly balance: string
  readonly homeBalance: string | null
  readonly status: string
  /** Left out of a list that was not asked for them. */
  readonly lines?: unknown
}

export interface ShownBill extends ShownDocument {
  readonly vendor: ShownParty | null
}

export interface ShownInvoice extends ShownDocument {
  readonly customer: ShownParty | null
  readonly homeTotalAmount: string | null
  readonly emailStatus: string | null
}

export interface ShownBalance extends Shown {
  readonly accountName: string
  readonly fullyQualifiedName: string | null
  readonly accountType: string | null
  readonly accountSubType: string | null
  readonly classification: string | null
  readonly currentBalance: string | null
  readonly currentBalanceWithSubAccounts: string | null
  readonly parentId: string | null
  readonly active: boolean
}

export interface ShownVendor extends Shown {
  readonly displayName: string
  readonly companyName: string | null
  readonly active: boolean
}

export interface ShownCustomer extends Shown {
  readonly displayName: string
  readonly fullyQualifiedName: string | null
  readonly parentId: string | null
  readonly active: boolean
}

interface ShownRecords {
  readonly bill: ShownBill
  readonly invoice: ShownInvoice
  readonly balance: ShownBalance
  readonly vendor: ShownVendor
  readonly customer: ShownCustomer
}

/** A record of an entity as readers see it. */
export type ShownRecord<Of extends Entity = Entity> = ShownRecords[Of]
