import type { CompanyStatus } from '../domain/company.ts'
import type { Entity } from '../domain/entity.ts'

/** What Postgres holds at the moment of a scrape. Moments are seconds since 1970. */
export interface SyncMetrics {
  readonly companiesByStatus: readonly { readonly status: CompanyStatus; readonly companies: number }[]
  /** Every registered company. Empty when not requested. */
  readonly names: readonly CompanyName[]
  /** Companies that should be synced: paused and disconnected ones are left out. Empty when not requested. */
  readonly companies: readonly CompanyFacts[]
  /** One entry per entity of each of those companies. */
  readonly freshness: readonly Freshness[]
  /** Those in force whose end is known, paused companies included. Empty when not requested. */
  readonly connectionEnds: readonly ConnectionEnd[]
  readonly totals: readonly Total[]
  /** Upper bounds of the run duration buckets, in seconds, ascending, without +Inf. */
  readonly runDurationBounds: readonly number[]
  /** Null before the very first tick. */
  readonly lastTick: number | null
  /** Why all calls are stopped; null while they are not. */
  readonly stopCode: string | null
  /** Metered calls of the whole app since the month began, UTC. */
  readonly callsThisMonth: number
}

export interface CompanyName {
  readonly realmId: string
  /** Null until QuickBooks or the firm has given one. */
  readonly name: string | null
  readonly status: CompanyStatus
}

export interface CompanyFacts {
  readonly realmId: string
  /** Whether it lags by more than was promised for it. */
  readonly late: boolean
  /** Null for a company that was never synced. */
  readonly lastSuccess: number | null
  readonly openRejects: number
}

export interface Freshness {
  readonly realmId: string
  readonly entity: Entity
  /** Since the watermark, or since the registration if there is none. */
  readonly lagSeconds: number
  readonly watermark: number | null
}

export interface ConnectionEnd {
  readonly realmId: string
  /** When its refresh token dies unless it is used before. */
  readonly expires: number
}

/** A row of `metric_totals_now()`. */
export interface Total {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
  readonly total: number
}
