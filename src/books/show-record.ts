import type { Entity } from '../domain/entity.ts'
import { linesOf } from './lines.ts'
import { momentOf, timeOf } from './moment.ts'
import { quickBooksUrl } from './quickbooks-url.ts'
import type { RecordRow } from './record-row.ts'
import type { ShownParty, ShownRecord } from './shown-record.ts'
import type { Standing } from './standing.ts'

/** What else is needed to show a row. */
export interface Surroundings {
  readonly standing: Standing
  readonly rejectedSince: Date | null
  readonly withLines: boolean
}

/** A record as readers see it: money is decimal text, days are `YYYY-MM-DD`. */
export function showRecord<Of extends Entity>(
  entity: Of,
  row: RecordRow<Of>,
  around: Surroundings,
): ShownRecord<Of> {
  const { qboId, syncToken } = row
  const { realmId } = around.standing
  // The compiler does not follow that the parts of one entity make up its record.
  return {
    realmId,
    qboId,
    syncToken,
    ...CONTENT[entity](row, around),
    ...freshness(entity, row, around),
  } as unknown as ShownRecord<Of>
}

type ShowContent = {
  readonly [Of in Entity]: (row: RecordRow<Of>, around: Surroundings) => Partial<ShownRecord<Of>>
}

// Every bill and invoice is read with its status.
const CONTENT: ShowContent = {
  bill: (row, { withLines }) => ({
    docNumber: row.docNumber,
    vendor: party(row.vendorId, row.partyName ?? row.vendorName),
    txnDate: row.txnDate,
    dueDate: row.dueDate,
    currency: row.currency,
    exchangeRate: row.exchangeRate,
    totalAmount: row.totalAmount,
    balance: row.balance,
    homeBalance: row.homeBalance,
    status: row.status!,
    ...(withLines && { lines: linesOf(row.lines ?? null) }),
  }),
  invoice: (row, { withLines }) => ({
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
    status: row.status!,
    emailStatus: row.emailStatus,
    ...(withLines && { lines: linesOf(row.lines ?? null) }),
  }),
  balance: (row) => ({
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
  }),
  vendor: (row) => ({
    displayName: row.displayName,
    companyName: row.companyName,
    currency: row.currency,
    active: row.active,
  }),
  customer: (row) => ({
    displayName: row.displayName,
    fullyQualifiedName: row.fullyQualifiedName,
    parentId: row.parentId,
    currency: row.currency,
    active: row.active,
  }),
}

function party(id: string | null, name: string | null): ShownParty | null {
  return id === null && name === null ? null : { id, name }
}

function freshness(entity: Entity, row: RecordRow<Entity>, { standing, rejectedSince }: Surroundings) {
  return {
    sourceUpdatedAt: timeOf(row.sourceUpdatedAt),
    lastSyncedAt: lastSyncedAt(timeOf(row.lastSyncedAt), standing, rejectedSince),
    rejectedSince,
    validFrom: momentOf(row.validFrom),
    deletedAt: row.deletedAt && timeOf(row.deletedAt),
    quickBooksUrl: quickBooksUrl(standing.environment, entity, row.qboId),
  }
}

/**
 * A present row is as fresh as the later of its own reading and the run that last confirmed its entity complete, unless
 * that run rejected a newer version of it. For a past moment this is when the content was read, but no later than the
 * moment.
 */
function lastSyncedAt(
  read: string,
  { moment: { asOf, sourceAsOf }, confirmedAt }: Standing,
  rejectedSince: Date | null,
): string {
  if (asOf !== null) return asOf < read ? asOf : read
  if (sourceAsOf !== null || rejectedSince !== null) return read
  const confirmed = confirmedAt.toISOString()
  return confirmed > read ? confirmed : read
}
