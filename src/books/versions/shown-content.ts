import type { ContentOf } from '../../domain/change.ts'
import type { Entity } from '../../domain/entity.ts'
import type { Json, JsonObject } from '../../domain/parse-json.ts'
import { isZero } from './decimals.ts'
import type { HeldVersion } from './held-version.ts'
import { payloadContent } from './payload-content.ts'

/**
 * For each entity: the members that the API shows by name, in its order, and the payload field each comes from. The
 * rest of the payload is under `details`, by QuickBooks' own names.
 */
export const SHOWN_FIELDS: { readonly [Of in Entity]: Readonly<Record<string, string>> } = {
  bill: {
    docNumber: 'DocNumber',
    vendor: 'VendorRef',
    txnDate: 'TxnDate',
    dueDate: 'DueDate',
    currency: 'CurrencyRef',
    exchangeRate: 'ExchangeRate',
    totalAmount: 'TotalAmt',
    balance: 'Balance',
    homeBalance: 'HomeBalance',
  },
  invoice: {
    docNumber: 'DocNumber',
    customer: 'CustomerRef',
    txnDate: 'TxnDate',
    dueDate: 'DueDate',
    currency: 'CurrencyRef',
    exchangeRate: 'ExchangeRate',
    totalAmount: 'TotalAmt',
    balance: 'Balance',
    homeTotalAmount: 'HomeTotalAmt',
    homeBalance: 'HomeBalance',
    emailStatus: 'EmailStatus',
  },
  balance: {
    accountName: 'Name',
    fullyQualifiedName: 'FullyQualifiedName',
    accountType: 'AccountType',
    accountSubType: 'AccountSubType',
    classification: 'Classification',
    currency: 'CurrencyRef',
    currentBalance: 'CurrentBalance',
    currentBalanceWithSubAccounts: 'CurrentBalanceWithSubAccounts',
    parentId: 'ParentRef',
    active: 'Active',
  },
  vendor: {
    displayName: 'DisplayName',
    companyName: 'CompanyName',
    currency: 'CurrencyRef',
    active: 'Active',
  },
  customer: {
    displayName: 'DisplayName',
    fullyQualifiedName: 'FullyQualifiedName',
    parentId: 'ParentRef',
    currency: 'CurrencyRef',
    active: 'Active',
  },
}

// Sums that move with every bill and invoice: the mirror can compute them itself.
const PARTY_BALANCES = ['Balance', 'BalanceWithJobs', 'OpenBalance', 'OverDueBalance']

/**
 * A version's content as the API shows it: everything that a difference may name. Status is judged by `day`, since the
 * same bill is open on one day and overdue on the next.
 */
export function shownContent<Of extends Entity>(
  entity: Of,
  version: HeldVersion<Of>,
  day: string,
): JsonObject {
  const { content, raw, deletedAt } = version
  const isParty = entity === 'vendor' || entity === 'customer'
  const { Id: _id, Line: lines, ...details } = payloadContent(raw, isParty ? PARTY_BALANCES : [])
  return {
    ...namedMembers(entity, content),
    ...(isDocument(entity) && { status: documentStatus(version, day), lines: lines ?? [] }),
    deletedAt: deletedAt?.toISOString() ?? null,
    details,
  }
}

/** The rest of the payload, without what a named member shows. */
export function otherDetails(entity: Entity, { details }: JsonObject): JsonObject {
  const named = new Set(Object.values(SHOWN_FIELDS[entity]))
  return Object.fromEntries(Object.entries(details as JsonObject).filter(([key]) => !named.has(key)))
}

export function isDocument(entity: Entity): entity is 'bill' | 'invoice' {
  return entity === 'bill' || entity === 'invoice'
}

function namedMembers<Of extends Entity>(entity: Of, content: ContentOf[Of]): JsonObject {
  const values = content as unknown as Readonly<Record<string, string | boolean | null>>
  return Object.fromEntries(
    Object.keys(SHOWN_FIELDS[entity]).map((member): [string, Json] =>
      member === 'vendor' || member === 'customer'
        ? [member, { id: values[`${member}Id`] ?? null, name: values[`${member}Name`] ?? null }]
        : [member, values[member] ?? null],
    ),
  )
}

function documentStatus({ content, deletedAt }: HeldVersion, day: string): string {
  const { voided, balance, dueDate } = content as {
    voided?: boolean
    balance: string
    dueDate: string | null
  }
  if (deletedAt !== null) return 'deleted'
  if (voided === true) return 'voided'
  if (isZero(balance)) return 'paid'
  return dueDate !== null && dueDate < day ? 'overdue' : 'open'
}
