import { z } from 'zod'
import { FLAGS } from '../../books/portfolio/flags.ts'
import type { Entity } from '../../domain/entity.ts'
import {
  COMPANY_NAME,
  STATE,
  amount,
  change,
  count,
  day,
  entity,
  id,
  json,
  pageOf,
  rowNumber,
  text,
  time,
} from './answer-fields.ts'

/** The schemas of what `/api` answers. Nothing is validated by them in the service: tests hold every answer to them. */

const MIRROR_FIELDS = {
  ...STATE,
  lastSyncedAt: time,
  lagSeconds: z.number(),
  late: z.boolean(),
  rejects: count,
  asOf: time.nullable(),
  sourceAsOf: time.nullable(),
  settled: z.boolean(),
}

const MIRROR = z.strictObject(MIRROR_FIELDS)

const PARTY = z.strictObject({ id: id.nullable(), name: text.nullable() })

const SHOWN = {
  realmId: id,
  qboId: id,
  syncToken: text.nullable(),
  currency: text.nullable(),
  sourceUpdatedAt: time,
  lastSyncedAt: time,
  rejectedSince: time.nullable(),
  validFrom: time,
  deletedAt: time.nullable(),
  quickBooksUrl: text.nullable(),
}

const DOCUMENT = {
  ...SHOWN,
  docNumber: text.nullable(),
  txnDate: day,
  dueDate: day.nullable(),
  exchangeRate: amount.nullable(),
  totalAmount: amount,
  balance: amount,
  homeBalance: amount.nullable(),
  lines: z.array(json).optional(),
}

const RECORDS = {
  bill: z.strictObject({
    ...DOCUMENT,
    vendor: PARTY.nullable(),
    status: z.enum(['open', 'paid', 'overdue', 'deleted']),
  }),
  invoice: z.strictObject({
    ...DOCUMENT,
    customer: PARTY.nullable(),
    homeTotalAmount: amount.nullable(),
    status: z.enum(['open', 'paid', 'overdue', 'voided', 'deleted']),
    emailStatus: text.nullable(),
  }),
  balance: z.strictObject({
    ...SHOWN,
    accountName: text,
    fullyQualifiedName: text.nullable(),
    accountType: text.nullable(),
    accountSubType: text.nullable(),
    classification: text.nullable(),
    currentBalance: amount.nullable(),
    currentBalanceWithSubAccounts: amount.nullable(),
    parentId: id.nullable(),
    active: z.boolean(),
  }),
  vendor: z.strictObject({ ...SHOWN, displayName: text, companyName: text.nullable(), active: z.boolean() }),
  customer: z.strictObject({
    ...SHOWN,
    displayName: text,
    fullyQualifiedName: text.nullable(),
    parentId: id.nullable(),
    active: z.boolean(),
  }),
} as const satisfies Readonly<Record<Entity, z.ZodObject>>

const DIFF = z.array(z.strictObject({ path: text, before: json, after: json }))

/** A list of the records of one entity, and one of its records. */
export function recordAnswers(of: Entity) {
  return {
    list: pageOf(RECORDS[of]).extend({ mirror: MIRROR }),
    one: RECORDS[of].extend({ mirror: MIRROR }),
  }
}

export const VERSIONS = pageOf(
  z.strictObject({
    validFrom: time,
    validTo: time.nullable(),
    sourceValidFrom: time,
    sourceUpdatedAt: time,
    syncRunId: rowNumber,
    syncToken: text.nullable(),
    change,
    summary: text,
    diff: DIFF,
    // A record as it was shown, with what else QuickBooks' payload holds in `details`.
    record: z.record(text, json),
  }),
).extend({ mirror: MIRROR })

export const COMPARISON = z.strictObject({
  mirror: MIRROR,
  from: time,
  to: time,
  change,
  summary: text,
  diff: DIFF,
})

const BEFORE_AND_AFTER = z.strictObject({ before: amount.nullable(), after: amount.nullable() })

const FEED = pageOf(
  z.strictObject({
    cursor: text,
    realmId: id,
    entity,
    qboId: id,
    change,
    summary: text,
    docNumber: text.nullable(),
    counterparty: text.nullable(),
    name: text.nullable(),
    txnDate: day.nullable(),
    currency: text.nullable(),
    totalAmount: BEFORE_AND_AFTER,
    balance: BEFORE_AND_AFTER,
    validFrom: time,
    sourceValidFrom: time,
    syncRunId: rowNumber,
    diff: DIFF,
  }),
).extend({ resumeAfter: text.nullable() })

export const ALL_CHANGES = FEED
export const CHANGES_OF_ONE = FEED.extend({ mirror: MIRROR })

export const SERIES = z.strictObject({
  data: z.array(z.strictObject({ date: day, currentBalance: amount.nullable() })),
  mirror: MIRROR,
})

export const COMPANIES = pageOf(
  z.strictObject({
    ...COMPANY_NAME,
    ...STATE,
    homeCurrency: text.nullable(),
    timeZone: text.nullable(),
    lastSyncedAt: time.nullable(),
    lagSeconds: z.number(),
    late: z.boolean(),
    neverSynced: z.boolean(),
    rejects: count,
  }),
)

const OWED = z.strictObject({
  currency: text.nullable(),
  open: amount,
  overdue: amount,
  ages: z.strictObject({
    current: amount,
    days1To30: amount,
    days31To60: amount,
    days61To90: amount,
    over90: amount,
  }),
  dueWithin7Days: amount,
  dueWithin14Days: amount,
  count,
  overdueCount: count,
  accountBalance: amount.nullable(),
  largestOverdue: z.array(
    z.strictObject({
      counterpartyId: id.nullable(),
      name: text.nullable(),
      amount,
      oldestDueDate: day,
    }),
  ),
})

export const PORTFOLIO = z.strictObject({
  data: z.array(
    z.strictObject({
      ...COMPANY_NAME,
      mirror: z.strictObject({ ...MIRROR_FIELDS, lastSyncedAt: time.nullable() }),
      promisedLagSeconds: z.number(),
      homeCurrency: text.nullable(),
      today: day,
      cash: z.array(z.strictObject({ currency: text.nullable(), amount })).nullable(),
      receivables: z.array(OWED).nullable(),
      payables: z.array(OWED).nullable(),
      changedLast24Hours: count.nullable(),
      flags: z.array(z.enum(FLAGS)),
    }),
  ),
  totals: z.array(
    z.strictObject({
      currency: text.nullable(),
      cash: amount,
      receivables: amount,
      payables: amount,
    }),
  ),
})
