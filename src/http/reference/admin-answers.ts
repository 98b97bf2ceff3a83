import { z } from 'zod'
import { DRIFT_KINDS } from '../../domain/drift.ts'
import { MODES, RUN_STATUSES, TRIGGERS } from '../../domain/sync-run.ts'
import {
  COMPANY_NAME,
  STATE,
  code,
  count,
  entity,
  id,
  json,
  pageOf,
  rowNumber,
  status,
  text,
  time,
} from './answer-fields.ts'

/** The schemas of what `/admin` and probes answer. Nothing is validated by them in the service: tests hold every answer to them. */

const STOPPED = z.strictObject({ code, since: time, until: time })

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
