import type { Balance } from './balance.ts'
import type { Bill } from './bill.ts'
import type { Entity } from './entity.ts'
import type { Invoice } from './invoice.ts'
import type { LedgerError } from './ledger-error.ts'
import type { Customer, Vendor } from './party.ts'

/** The content of one record, by entity. */
export interface ContentOf {
  vendor: Vendor
  customer: Customer
  balance: Balance
  bill: Bill
  invoice: Invoice
}

export type Content = ContentOf[Entity]

/** A record as QuickBooks had it when it answered. */
export interface Version {
  readonly kind: 'version'
  readonly qboId: string
  readonly syncToken: string | null
  readonly sourceCreatedAt: Date | null
  /** QuickBooks' LastUpdatedTime: second precision. */
  readonly sourceUpdatedAt: Date
  readonly content: Content
  /** SHA-256 of the canonical content, hex. */
  readonly contentHash: string
  /** The payload as JSON text, every number with the digits QuickBooks sent. */
  readonly raw: string
}

/** QuickBooks' report that a record was deleted. */
export interface Tombstone {
  readonly kind: 'tombstone'
  readonly qboId: string
  readonly sourceUpdatedAt: Date
}

export type Change = Version | Tombstone

/** A payload that could not be mapped, or that QuickBooks could not serve. */
export interface Reject {
  /** Unknown when the record could not even be read. */
  readonly qboId: string | null
  /** Its position in the listing, for a record without a readable id. */
  readonly position: string | null
  /** The payload as JSON text; empty when QuickBooks could not serve the record. */
  readonly payload: string
  readonly reason: LedgerError
  /** LastUpdatedTime of the payload, if readable. */
  readonly sourceUpdatedAt?: Date | null
}

/** Some records of one entity, from one answer. */
export interface Page {
  readonly changes: readonly Change[]
  readonly rejects: readonly Reject[]
  /** The answer's `time`: the moment it describes. */
  readonly observedAt: Date
}
