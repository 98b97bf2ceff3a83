import { explain, isLate, type CompanyState } from '../../books/company-state.ts'
import type { CallsPause } from '../../connections/service-state.ts'
import { SYNCED_STATUSES } from '../../domain/company.ts'
import { ENTITIES, type Entity } from '../../domain/entity.ts'
import type { SyncState } from '../../models/sync-state.ts'
import type { CompanyReading } from './read-companies.ts'
import { runJson } from '../runs/run-json.ts'

export interface Moment {
  readonly now: Date
  /** The pause that holds for every company, if one does. */
  readonly callsPause: CallsPause | null
  readonly intervalSeconds: number
}

/** A company as it is shown: how it is, why, what to do about it, and how fresh its mirror is. Never a token. */
export function companyJson(reading: CompanyReading, moment: Moment) {
  const { company, connection, lastRun, lastError, openRejects, calls } = reading
  const state = stateOf(reading, moment)
  const entities = freshness(reading, moment.now)
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
    late: isLate(
      state,
      Math.max(...Object.values(entities).map(({ lagSeconds }) => lagSeconds)),
      moment.intervalSeconds,
    ),
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
    notBefore: company.notBefore,
    rejects: openRejects,
    callsThisMonth: calls,
  }
}

/** What the reason is found in. */
function stateOf(
  { company, lastError, openRejects, latestReject }: CompanyReading,
  { callsPause }: Moment,
): CompanyState {
  return {
    status: company.status,
    statusCode: company.statusCode,
    failingCode: company.failingCode,
    notBefore: company.notBefore,
    notBeforeCode: company.notBeforeCode,
    maxLagMinutes: company.maxLagMinutes,
    lastError: lastError && { code: lastError.errorCode, message: lastError.errorMessage },
    callsPause,
    rejects: openRejects,
    latestReject,
  }
}

type FreshnessByEntity = Readonly<Record<Entity, ReturnType<typeof entityFreshness>>>

function freshness({ company, states }: CompanyReading, now: Date): FreshnessByEntity {
  const entries = ENTITIES.map((entity) => {
    const state = states.find((candidate) => candidate.entity === entity)
    return [entity, entityFreshness(state, company.createdAt, now)] as const
  })
  return Object.fromEntries(entries) as FreshnessByEntity
}

function entityFreshness(state: SyncState | undefined, registeredAt: Date, now: Date) {
  const since = state?.watermark ?? registeredAt
  return {
    watermark: state?.watermark ?? null,
    lastSyncedAt: state?.lastSyncedAt ?? null,
    lagSeconds: (now.getTime() - since.getTime()) / 1000,
    listingInProgress: Boolean(state?.listing),
  }
}
