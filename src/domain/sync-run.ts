import type { DriftKind } from './drift.ts'
import type { Entity } from './entity.ts'
import type { ErrorCode } from './ledger-error.ts'

/** Why a run was started. */
export const TRIGGERS = ['schedule', 'manual', 'webhook', 'backfill', 'reconcile', 'recovery'] as const
export type Trigger = (typeof TRIGGERS)[number]

/** By change data capture, or by a complete listing. */
export const MODES = ['incremental', 'full'] as const
export type Mode = (typeof MODES)[number]

export const RUN_STATUSES = ['running', 'succeeded', 'partial', 'failed', 'abandoned'] as const
export type RunStatus = (typeof RUN_STATUSES)[number]

/** What one run did with the records of one entity. */
export interface EntityCounts {
  fetched: number
  inserted: number
  updated: number
  touched: number
  deleted: number
  /** Deletes of records we never saw. */
  buried: number
  revived: number
  unchanged: number
  stale: number
  rejected: number
  /** Differences found by a listing that change data capture should have reported. */
  drifted: number
}

/** The entry of one entity in a run's report. Watermarks are ISO 8601 UTC, null if there is none. */
export interface EntityReport extends EntityCounts {
  watermarkFrom: string | null
  watermarkTo: string | null
  /** What `drifted` counts, by kind; absent when it is zero. */
  drift?: Partial<Record<DriftKind, number>>
  /** Why the watermark of this entity did not move although the run went on; null if it moved. */
  error: EntityError | null
}

/** Why one entity could not be synced. */
export interface EntityError {
  readonly code: ErrorCode
  readonly message: string
  readonly intuitTid: string | null
}

export type RunReport = Partial<Record<Entity, EntityReport>>

/** A report as it is stored, without zero counts: a million runs a day find nothing. */
export type KeptReport = Partial<
  Record<
    Entity,
    Pick<EntityReport, 'watermarkFrom' | 'watermarkTo'> & Partial<EntityCounts & Pick<EntityReport, 'error'>>
  >
>

export function noCounts(): EntityCounts {
  return {
    fetched: 0,
    inserted: 0,
    updated: 0,
    touched: 0,
    deleted: 0,
    buried: 0,
    revived: 0,
    unchanged: 0,
    stale: 0,
    rejected: 0,
    drifted: 0,
  }
}

/** A report as it is shown, with every count, zeros included. */
export function wholeReport(kept: KeptReport): RunReport {
  const whole = Object.entries(kept).map(([entity, report]) => [
    entity,
    { ...noCounts(), error: null, ...report },
  ])
  return Object.fromEntries(whole) as RunReport
}
