import { z } from 'zod'
import { FLAGS } from '../../books/portfolio/flags.ts'
import { CHANGES } from '../../books/versions/change-of.ts'
import { COMPANY_STATUSES } from '../../domain/company.ts'
import { DRIFT_KINDS } from '../../domain/drift.ts'
import { ENTITIES, type Entity } from '../../domain/entity.ts'
import { ERROR_CODES } from '../../domain/ledger-error.ts'
import { MODES, RUN_STATUSES, TRIGGERS } from '../../domain/sync-run.ts'

/** The schemas of what routes answer. Nothing is validated by them in the service: tests hold every answer to them. */

const time = z.iso.datetime()
const day = z.iso.date()
const amount = z.string().regex(/^-?\d+(?:\.\d+)?$/)
const text = z.string()
const id = z.string().regex(/^\d+$/)
const count = z.int().nonnegative()
const rowNumber = z.int().positive()
const code = z.enum(ERROR_CODES)
const status = z.enum(COMPANY_STATUSES)
const entity = z.enum(ENTITIES)
const change = z.enum(CHANGES)
const json: z.ZodType = z.unknown()

const REASON = z.strictObject({ code, message: text })

const STATE = {
  status,
  statusReason: REASON.nullable(),
  whatToDo: text.nullable(),
}

const STOPPED = z.strictObject({ code, since: time, until: time })

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

/** A page of a list. */
function pageOf(row: z.ZodType) {
  return z.strictObject({ data: z.array(row), nextCursor: text.nullable() })
}

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

const COMPANY_NAME = { realmId: id, name: text.nullable(), tags: z.array(text) }

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

const COUNTS = {
  fetched: count,
  inserted: count,
  updated: count,
  touched: count,
  deleted: count,
  buried: count,
  revived: count,
  unchanged: count,
  stale: count,
  rejected: count,
  drifted: count,
}

const ERROR = { code, message: text, intuitTid: text.nullable() }

const RUN = z.strictObject({
  id: rowNumber,
  realmId: id,
  trigger: z.enum(TRIGGERS),
  mode: z.enum(MODES),
  status: z.enum(RUN_STATUSES),
  startedAt: time,
  finishedAt: time.nullable(),
  servedRequest: count.nullable(),
  requests: count,
  meteredCalls: count,
  entities: z.partialRecord(
    entity,
    z.strictObject({
      ...COUNTS,
      watermarkFrom: time.nullable(),
      watermarkTo: time.nullable(),
      drift: z.partialRecord(z.enum(DRIFT_KINDS), count).optional(),
      error: z.strictObject(ERROR).nullable(),
    }),
  ),
  error: z.strictObject({ ...ERROR, message: text.nullable() }).nullable(),
})

/** What every answer to an operator has beside its own members while all calls are stopped. */
const WHILE_STOPPED = { stopped: STOPPED.optional() }

export const ONE_RUN = RUN.extend(WHILE_STOPPED)
export const RUNS = pageOf(RUN).extend(WHILE_STOPPED)

const FRESHNESS = z.strictObject({
  watermark: time.nullable(),
  lastSyncedAt: time.nullable(),
  lagSeconds: z.number(),
  late: z.boolean(),
  listingInProgress: z.boolean(),
  error: z
    .strictObject({
      ...ERROR,
      since: time.nullable(),
      failures: count,
      notBefore: time.nullable(),
      whatToDo: text.nullable(),
    })
    .nullable(),
  disappearance: z
    .strictObject({
      missing: count,
      held: count,
      since: time,
      runId: rowNumber.nullable(),
      confirmedAt: time.nullable(),
      whatToDo: text.nullable(),
    })
    .nullable(),
})

const OPERATED = z.strictObject({
  ...COMPANY_NAME,
  ...STATE,
  statusChangedAt: time.nullable(),
  homeCurrency: text.nullable(),
  country: text.nullable(),
  timeZone: text.nullable(),
  registeredAt: time,
  connection: z
    .strictObject({
      environment: text,
      accessTokenExpiresAt: time.nullable(),
      refreshTokenExpiresAt: time.nullable(),
    })
    .nullable(),
  entities: z.record(entity, FRESHNESS),
  neverSynced: z.boolean(),
  late: z.boolean(),
  maxLagMinutes: z.int().nullable(),
  lastSuccessAt: time.nullable(),
  lastRun: RUN.nullable(),
  lastError: z
    .strictObject({ ...ERROR, code: code.nullable(), message: text.nullable(), at: time, runId: rowNumber })
    .nullable(),
  nextSyncAt: time.nullable(),
  nextSyncReason: text.nullable(),
  notBefore: time.nullable(),
  lastWebhookAt: time.nullable(),
  rejects: count,
  callsThisMonth: z.strictObject({ total: count, metered: count }),
})

export const ONE_COMPANY = OPERATED.extend(WHILE_STOPPED)
export const OPERATED_COMPANIES = pageOf(OPERATED).extend(WHILE_STOPPED)
export const REGISTERED = ONE_COMPANY.extend({ request: count })
export const DISCONNECTED = ONE_COMPANY.extend({ notRevokedBecause: text.nullable() })

export const EVENTS = pageOf(
  z.strictObject({
    at: time,
    realmId: id.nullable(),
    kind: text,
    actor: text,
    detail: z.record(text, json),
    requestId: text.nullable(),
  }),
).extend(WHILE_STOPPED)

export const REJECTS = pageOf(
  z.strictObject({
    id: rowNumber,
    entity,
    qboId: id.nullable(),
    position: count.nullable(),
    code,
    reason: text,
    intuitTid: text.nullable(),
    firstSeenAt: time,
    lastSeenAt: time,
    attempts: count,
    retryAt: time,
    resolvedAt: time.nullable(),
    payload: json,
  }),
).extend(WHILE_STOPPED)

export const AT_RISK = z.strictObject({
  data: z.array(
    z.strictObject({
      realmId: id,
      name: text.nullable(),
      status,
      risk: z.enum(['ended', 'unused', 'refused']),
      code: code.nullable(),
      endsAt: time,
      idleDaysLeft: count.nullable(),
      whatToDo: text,
    }),
  ),
  ...WHILE_STOPPED,
})

const ACCEPTED = z.strictObject({ realmId: id, request: count, ...WHILE_STOPPED })

export const SYNC_ACCEPTED = ACCEPTED.extend({ run: z.null() })
export const SYNC_SERVED = ACCEPTED.extend({ run: RUN })
export const RETRY_ACCEPTED = ACCEPTED.extend({ mode: z.enum(MODES), rejects: count })
export const CONFIRMATION_ACCEPTED = ACCEPTED.extend({ entity, missing: count, held: count })
export const ALL_ASKED = z.strictObject({ requested: z.array(id), ...WHILE_STOPPED })

export const DEAD_LETTERS = z.strictObject({
  data: z.array(
    z.strictObject({
      id: text,
      realmId: id,
      at: time,
      queuedAt: time.nullable(),
      attempts: count,
      error: z.strictObject({ code: code.nullable(), message: text }),
    }),
  ),
  ...WHILE_STOPPED,
})
export const REDRIVEN = ALL_ASKED.extend({ left: count })

export const ALIVE = z.strictObject({ status: z.literal('ok') })
export const READY = z.strictObject({ status: z.literal('ready'), stopped: STOPPED.nullable() })
