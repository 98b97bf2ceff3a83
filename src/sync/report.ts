import type { Drift, DriftKind } from '../domain/drift.ts'
import { ENTITIES, type Entity } from '../domain/entity.ts'
import type { EntityCounts, KeptReport, RunStatus } from '../domain/sync-run.ts'
import { errorOf } from './keep-troubles.ts'
import type { Increment } from './raise-totals.ts'
import { stateOf } from './entity-state.ts'
import type { Run } from './run.ts'
import { countsOf } from './run-progress.ts'

// Upper bounds in seconds: an idle company takes well under one, a backfill minutes.
export const DURATION_BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600] as const

const WRITTEN = ['inserted', 'updated', 'deleted', 'revived'] as const

/**
 * What the run did, by entity, as `sync_runs.entities` keeps it.
 *
 * @param watermarks `moved` by a run that finished, except those of failed entities; `kept` by any other.
 */
export function reportOf(run: Run, watermarks: 'moved' | 'kept'): KeptReport {
  const report: KeptReport = {}
  for (const entity of ENTITIES) {
    const before = stateOf(run, entity).watermark
    const error = watermarks === 'moved' ? errorOf(run, entity) : null
    const after = (watermarks === 'moved' ? run.watermarks.get(entity) : null) ?? before
    report[entity] = {
      watermarkFrom: before?.toISOString() ?? null,
      watermarkTo: after?.toISOString() ?? null,
      ...happened(countsOf(run, entity)),
      ...(error && { error }),
      ...driftReport(run, entity),
    }
  }
  return report
}

/** The counts that are not zero. */
export function happened(counts: EntityCounts): Partial<EntityCounts> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

/** Records of which the run wrote a version. */
export function changedRecords(run: Run): number {
  return ENTITIES.flatMap((entity) => WRITTEN.map((change) => countsOf(run, entity)[change])).reduce(
    (sum, count) => sum + count,
    0,
  )
}

export function recordTotals(run: Run): Increment[] {
  return ENTITIES.flatMap((entity) => [
    ...Object.entries(happened(countsOf(run, entity))).map(([change, by]) => ({
      metric: 'ledger_sync_records_total',
      labels: { entity, change },
      by,
    })),
    ...Object.entries(driftCounts(run, entity)).map(([kind, by]) => ({
      metric: 'ledger_sync_drift_total',
      labels: { entity, kind },
      by,
    })),
  ])
}

// Enough to look some up; the versions show the rest.
const IDS_SHOWN = 5

/** What drifted, by entity: how many of each kind, and the ids of a few. */
export function driftFound(run: Run): Record<string, object> {
  return Object.fromEntries(
    [...run.drift].map(([entity, drift]) => [
      entity,
      { ...driftCounts(run, entity), ids: drift.slice(0, IDS_SHOWN).map(({ qboId }) => qboId) },
    ]),
  )
}

function driftReport(run: Run, entity: Entity): { drift?: Partial<Record<DriftKind, number>> } {
  return run.drift.has(entity) ? { drift: driftCounts(run, entity) } : {}
}

function driftCounts(run: Run, entity: Entity): Partial<Record<DriftKind, number>> {
  const byKind = Map.groupBy(run.drift.get(entity) ?? [], ({ kind }: Drift) => kind)
  return Object.fromEntries([...byKind].map(([kind, drift]) => [kind, drift.length]))
}

/** Totals that every run raises at its end, however it ended. */
export function runTotals(
  run: { readonly trigger: string; readonly startedAt: Date },
  status: RunStatus,
  now: Date,
): Increment[] {
  const seconds = Math.max(0, (now.getTime() - run.startedAt.getTime()) / 1000)
  const metric = 'ledger_sync_run_duration_seconds'
  return [
    { metric: 'ledger_sync_runs_total', labels: { trigger: run.trigger, status }, by: 1 },
    { metric: `${metric}_sum`, labels: {}, by: seconds },
    { metric: `${metric}_count`, labels: {}, by: 1 },
    ...DURATION_BUCKETS_SECONDS.filter((bound) => seconds <= bound).map((bound) => ({
      metric: `${metric}_bucket`,
      labels: { le: String(bound) },
      by: 1,
    })),
  ]
}

export function failureTotals(realmId: string, code: string): Increment[] {
  return [
    { metric: 'ledger_sync_failures_total', labels: { code }, by: 1 },
    { metric: 'ledger_company_sync_failures_total', labels: { realm_id: realmId, code }, by: 1 },
  ]
}
