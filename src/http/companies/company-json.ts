import { explain, isLate, type CompanyState } from '../../books/company-state.ts'
import type { CallsPause } from '../../connections/service-state.ts'
import { SYNCED_STATUSES } from '../../domain/company.ts'
import { ENTITIES, type Entity } from '../../domain/entity.ts'
import type { ErrorCode } from '../../domain/ledger-error.ts'
import { whatToDo } from '../../domain/what-to-do.ts'
import type { Company } from '../../models/company.ts'
import type { Disappearance } from '../../models/disappearance.ts'
import type { SyncState } from '../../models/sync-state.ts'
import type { CompanyReading } from './read-companies.ts'
import { runJson } from '../runs/run-json.ts'

export interface Moment {
  readonly now: Date
  /** The pause of all companies, if there is one. */
  readonly callsPause: CallsPause | null
  readonly intervalSeconds: number
}

/** A company as it is shown: its state, why, what to do about it, and how fresh its mirror is. Never a token. */
export function companyJson(reading: CompanyReading, moment: Moment) {
  const { company, connection, lastRun, lastError, openRejects, calls } = reading
  const state = stateOf(reading, moment)
  const entities = freshness(reading, state, moment)
  return {
    realmId: company.realmId,
    name: company.name,
    status: company.status,
    ...explain(state, moment.now),
    statusChangedAt: company.statusChangedAt,
    homeCurrency: company.homeCurrency,
    country: company.country,
    timeZone: company.timeZone,
    registeredAt: company.createdAt,
    connection: connection && {
      environment: connection.environment,
      accessTokenExpiresAt: connection.accessTokenExpiresAt,
      refreshTokenExpiresAt: connection.refreshTokenExpiresAt,
    },
    entities,
    neverSynced: Object.values(entities).every(({ lastSyncedAt }) => lastSyncedAt === null),
    late: Object.values(entities).some(({ late }) => late),
    maxLagMinutes: company.maxLagMinutes,
    tags: company.tags,
    lastSuccessAt: company.lastSuccessAt,
    lastRun: lastRun && runJson(lastRun),
    lastError: lastError && {
      code: lastError.errorCode,
      message: lastError.errorMessage,
      intuitTid: lastError.intuitTid,
      at: lastError.finishedAt,
      runId: lastError.id,
    },
    nextSyncAt: SYNCED_STATUSES.includes(company.status) ? company.nextSyncAt : null,
    nextSyncReason: nextSyncReason(company, moment),
    notBefore: company.notBefore,
    lastWebhookAt: company.lastWebhookAt,
    rejects: openRejects,
    callsThisMonth: calls,
  }
}

/** Why the next run is when it is; null if there is none. */
function nextSyncReason(
  { status, requestedSeq, servedSeq, notBefore, notBeforeCode }: CompanyReading['company'],
  { now, callsPause, intervalSeconds }: Moment,
): string | null {
  if (!SYNCED_STATUSES.includes(status)) return null
  if (callsPause) return `all calls are stopped until ${callsPause.until.toISOString()}`
  if (notBefore !== null && notBefore > now) {
    return notBeforeCode === null ? 'it waits' : `it waits after ${notBeforeCode}`
  }
  if (requestedSeq > servedSeq) return 'it was asked for'
  return `every ${intervalSeconds / 60} minutes`
}

/** What the reason is derived from. */
function stateOf(
  { company, states, lastError, openRejects, latestReject }: CompanyReading,
  { callsPause }: Moment,
): CompanyState {
  return {
    realmId: company.realmId,
    status: company.status,
    statusCode: company.statusCode,
    failingCode: company.failingCode,
    notBefore: company.notBefore,
    notBeforeCode: company.notBeforeCode,
    maxLagMinutes: company.maxLagMinutes,
    lastError: lastError && { code: lastError.errorCode, message: lastError.errorMessage },
    callsPause,
    standsStill: firstStandingStill(states),
    rejects: openRejects,
    latestReject,
  }
}

function firstStandingStill(states: readonly SyncState[]): CompanyState['standsStill'] {
  const [first] = ENTITIES.flatMap(
    (entity) => states.find((state) => state.entity === entity && state.errorCode !== null) ?? [],
  )
  if (!first?.errorCode) return null
  return { entity: first.entity, code: first.errorCode, message: first.errorMessage }
}

type FreshnessByEntity = Readonly<Record<Entity, ReturnType<typeof entityFreshness>>>

function freshness(
  { company, states, disappearances }: CompanyReading,
  companyState: CompanyState,
  { now, intervalSeconds }: Moment,
): FreshnessByEntity {
  const entries = ENTITIES.map((entity) => {
    const state = states.find((candidate) => candidate.entity === entity)
    const doubt = disappearances.find((candidate) => candidate.entity === entity)
    const since = state?.watermark ?? company.createdAt
    const lagSeconds = (now.getTime() - since.getTime()) / 1000
    const late = isLate(companyState, lagSeconds, intervalSeconds)
    return [entity, entityFreshness(company, state, doubt, { lagSeconds, late })] as const
  })
  return Object.fromEntries(entries) as FreshnessByEntity
}

function entityFreshness(
  company: Company,
  state: SyncState | undefined,
  doubt: Disappearance | undefined,
  lag: { readonly lagSeconds: number; readonly late: boolean },
) {
  return {
    watermark: state?.watermark ?? null,
    lastSyncedAt: state?.lastSyncedAt ?? null,
    ...lag,
    listingInProgress: Boolean(state?.listing),
    error: state?.errorCode ? errorJson(state, state.errorCode, company) : null,
    disappearance: doubt ? disappearanceJson(doubt, company) : null,
  }
}

/** Why the entity is stuck while the others move. */
function errorJson(state: SyncState, code: ErrorCode, { realmId, status }: Company) {
  return {
    code,
    message: state.errorMessage ?? code,
    intuitTid: state.errorIntuitTid,
    since: state.errorSince,
    failures: state.errorFailures,
    notBefore: state.notBefore,
    whatToDo: whatToDo(code, { realmId, status, entity: state.entity }),
  }
}

/** Records that seem to have vanished at once; a person may confirm that they are gone. */
function disappearanceJson(
  { entity, missing, held, since, syncRunId, confirmedAt }: Disappearance,
  { realmId, status }: Company,
) {
  const advice = whatToDo('mass_disappearance', { realmId, status, entity })
  return { missing, held, since, runId: syncRunId, confirmedAt, whatToDo: advice }
}
