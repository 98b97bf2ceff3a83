import type { CompanyStatus } from '../domain/company.ts'
import type { Entity } from '../domain/entity.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import { whatToDo } from '../domain/what-to-do.ts'

/** Everything that explains a company's state. */
export interface CompanyState {
  readonly realmId: string
  readonly status: CompanyStatus
  readonly statusCode: ErrorCode | null
  readonly failingCode: ErrorCode | null
  readonly notBefore: Date | null
  readonly notBeforeCode: ErrorCode | null
  readonly maxLagMinutes: number | null
  /** The latest run that ended with an error. */
  readonly lastError: { readonly code: ErrorCode | null; readonly message: string | null } | null
  /** The pause of all companies, if there is one. */
  readonly callsPause: { readonly code: ErrorCode; readonly reason: string } | null
  /** The first entity, in the order of a run, whose watermark is stuck while the others move. */
  readonly standsStill: StandingEntity | null
  readonly rejects: number
  readonly latestReject: LatestReject | null
}

export interface StandingEntity {
  readonly entity: Entity
  readonly code: ErrorCode
  readonly message: string | null
}

export interface LatestReject {
  readonly entity: Entity
  readonly qboId: string | null
  readonly code: ErrorCode
  readonly reason: string
}

export interface Reason {
  readonly code: ErrorCode
  readonly message: string
}

/** What is wrong with a company, and what a person can do about it; both null when it is well. */
export function explain(
  company: CompanyState,
  now: Date,
): { readonly statusReason: Reason | null; readonly whatToDo: string | null } {
  const reason = statusReason(company, now)
  return {
    statusReason: reason,
    whatToDo: reason && whatToDo(reason.code, { ...company, entity: company.standsStill?.entity }),
  }
}

function statusReason(company: CompanyState, now: Date): Reason | null {
  if (company.status === 'paused') return { code: 'company_inactive', message: 'it was paused' }
  if (company.status === 'disconnected') return { code: 'company_inactive', message: 'it was disconnected' }
  const { lastError } = company
  const because = (code: ErrorCode): Reason => ({
    code,
    message: lastError?.code === code ? (lastError.message ?? code) : code,
  })
  if (company.statusCode) return because(company.statusCode)
  if (company.callsPause) return { code: company.callsPause.code, message: company.callsPause.reason }
  if (company.failingCode) return because(company.failingCode)
  const waits = company.notBefore && company.notBefore > now
  if (waits && company.notBeforeCode) return because(company.notBeforeCode)
  if (company.standsStill) return entityReason(company.standsStill)
  return company.latestReject && rejectsReason(company.latestReject, company.rejects)
}

function entityReason({ entity, code, message }: StandingEntity): Reason {
  return { code, message: `${entity}: ${message ?? code}` }
}

/** Two reject codes have advice of their own; for any other the place to look is the same as for `invalid_payload`. */
function rejectsReason({ entity, qboId, code, reason }: LatestReject, rejects: number): Reason {
  const which = qboId === null ? `${entity} with unknown Id` : `${entity} ${qboId}`
  const message =
    rejects === 1
      ? `${which} could not be taken: ${reason}`
      : `${rejects} records could not be taken, the latest of them ${which}: ${reason}`
  return { code: code === 'poisoned_page' ? code : 'invalid_payload', message }
}

// 20 minutes with the usual interval of 15: the same bound as in the alert.
const LATE_AFTER_INTERVALS = 4 / 3

/**
 * Whether a lag breaks the promise made for a company, or the default one. A company that is not to be synced is never
 * late.
 */
export function isLate(
  { status, maxLagMinutes }: Pick<CompanyState, 'status' | 'maxLagMinutes'>,
  lagSeconds: number,
  intervalSeconds: number,
): boolean {
  if (status === 'paused' || status === 'disconnected') return false
  return lagSeconds > promisedLagSeconds(maxLagMinutes, intervalSeconds)
}

/** How far a company may lag: as promised for it, else four thirds of the interval. */
export function promisedLagSeconds(maxLagMinutes: number | null, intervalSeconds: number): number {
  return maxLagMinutes === null ? intervalSeconds * LATE_AFTER_INTERVALS : maxLagMinutes * 60
}
