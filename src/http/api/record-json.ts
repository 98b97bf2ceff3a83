import { linesJson } from './lines-json.ts'
import type { RecordRow, ShownEntity } from './read-records.ts'

/** How each record is shown. `confirmedAt`: when its entity was last confirmed complete, null for never. */
export function billJson(row: RecordRow<'bill'>, confirmedAt: Date | null) {
  return {
    ...identity(row),
    docNumber: row.docNumber,
    vendor: party(row.vendorId, row.partyName ?? row.vendorName),
    txnDate: row.txnDate,
    dueDate: row.dueDate,
    currency: row.currency,
    exchangeRate: row.exchangeRate,
    totalAmount: row.totalAmount,
    balance: row.balance,
    homeBalance: row.homeBalance,
    status: row.status,
    lines: linesJson(row.lines),
    ...standing(row, confirmedAt),
  }
}

export function invoiceJson(row: RecordRow<'invoice'>, confirmedAt: Date | null) {
  return {
    ...identity(row),
    docNumber: row.docNumber,
    customer: party(row.customerId, row.partyName ?? row.customerName),
    txnDate: row.txnDate,
    dueDate: row.dueDate,
    currency: row.currency,
    exchangeRate: row.exchangeRate,
    totalAmount: row.totalAmount,
    balance: row.balance,
    homeTotalAmount: row.homeTotalAmount,
    homeBalance: row.homeBalance,
    status: row.status,
    emailStatus: row.emailStatus,
    lines: linesJson(row.lines),
    ...standing(row, confirmedAt),
  }
}

export function balanceJson(row: RecordRow<'balance'>, confirmedAt: Date | null) {
  return {
    ...identity(row),
    accountName: row.accountName,
    fullyQualifiedName: row.fullyQualifiedName,
    accountType: row.accountType,
    accountSubType: row.accountSubType,
    classification: row.classification,
    currency: row.currency,
    currentBalance: row.currentBalance,
    currentBalanceWithSubAccounts: row.currentBalanceWithSubAccounts,
    parentId: row.parentId,
    active: row.active,
    ...standing(row, confirmedAt),
  }
}

function identity({ realmId, qboId, syncToken }: RecordRow<ShownEntity>) {
  return { realmId, qboId, syncToken }
}

function party(id: string | null, name: string | null) {
  return id === null && name === null ? null : { id, name }
}

/** A row is as fresh as the later of its own reading and the last run that confirmed its entity complete. */
function standing(
  { sourceUpdatedAt, lastSyncedAt, validFrom, deletedAt }: RecordRow<ShownEntity>,
  confirmedAt: Date | null,
) {
  return {
    sourceUpdatedAt,
    lastSyncedAt: confirmedAt && confirmedAt > lastSyncedAt ? confirmedAt : lastSyncedAt,
    validFrom,
    deletedAt,
  }
}
