import { COMPANY_STATUSES } from '../domain/company.ts'
import { DRIFT_KINDS } from '../domain/drift.ts'
import { ENTITIES } from '../domain/entity.ts'
import { ERROR_CODES } from '../domain/ledger-error.ts'
import { STOP_CODES } from '../domain/service-stop.ts'
import { noCounts, RUN_STATUSES, TRIGGERS } from '../domain/sync-run.ts'
import { WEBHOOK_OUTCOMES } from '../domain/webhook.ts'
import type { Family, Sample } from './exposition.ts'
import type { SyncMetrics, Total } from './sync-metrics.ts'

/** What `/metrics` says about the mirror. Without `perCompany` nothing has a `realm_id` label. */
export function syncFamilies(
  metrics: SyncMetrics,
  { perCompany, monthlyCallBudget }: { perCompany: boolean; monthlyCallBudget: number | null },
): Family[] {
  const totals = Map.groupBy(metrics.totals, (total) => total.metric)
  return [
    ...(perCompany ? companyFamilies(metrics) : []),
    companiesByStatus(metrics),
    lastTick(metrics),
    serviceStopped(metrics),
    ...callsOfMonth(metrics, monthlyCallBudget),
    ...COUNTERS.filter((counter) => perCompany || !counter.labels.includes('realm_id')).map((counter) =>
      counterFamily(counter, totals.get(counter.name) ?? []),
    ),
    runDuration(metrics.runDurationBounds, totals),
  ]
}

function companyFamilies({ names, companies, freshness, connectionEnds }: SyncMetrics): Family[] {
  return [
    {
      name: 'ledger_company_info',
      help: 'What a company is called and how it stands, to be joined with what has only its realm id.',
      type: 'gauge',
      samples: names.map(({ realmId, name, status }) => ({
        labels: { realm_id: realmId, name: name ?? realmId, status },
        value: 1,
      })),
    },
    {
      name: 'ledger_company_late',
      help: '1 while a company lags by more than was promised for it, or by a third over the interval.',
      type: 'gauge',
      samples: companies.map(({ realmId, late }) => ({ labels: { realm_id: realmId }, value: late ? 1 : 0 })),
    },
    {
      name: 'ledger_sync_lag_seconds',
      help: 'How far the mirror is behind QuickBooks: now minus the watermark, or minus the registration of a company never synced.',
      type: 'gauge',
      samples: freshness.map(({ realmId, entity, lagSeconds }) => ({
        labels: { realm_id: realmId, entity },
        value: lagSeconds,
      })),
    },
    {
      name: 'ledger_sync_watermark_timestamp_seconds',
      help: "QuickBooks' time up to which the mirror is complete.",
      type: 'gauge',
      samples: freshness.flatMap(({ realmId, entity, watermark }) =>
        watermark === null ? [] : [{ labels: { realm_id: realmId, entity }, value: watermark }],
      ),
    },
    {
      name: 'ledger_sync_last_success_timestamp_seconds',
      help: 'When a run of the company last succeeded completely.',
      type: 'gauge',
      samples: companies.flatMap(({ realmId, lastSuccess }) =>
        lastSuccess === null ? [] : [{ labels: { realm_id: realmId }, value: lastSuccess }],
      ),
    },
    {
      name: 'ledger_sync_rejects',
      help: 'Records that could not be mapped, served or stored and are waiting for another try.',
      type: 'gauge',
      samples: companies.map(({ realmId, openRejects }) => ({
        labels: { realm_id: realmId },
        value: openRejects,
      })),
    },
    {
      name: 'ledger_connection_expires_timestamp_seconds',
      help: 'When the connection of a company ends unless it is used before.',
      type: 'gauge',
      samples: connectionEnds.map(({ realmId, expires }) => ({
        labels: { realm_id: realmId },
        value: expires,
      })),
    },
  ]
}

function companiesByStatus({ companiesByStatus: counts }: SyncMetrics): Family {
  const byStatus = new Map(counts.map(({ status, companies }) => [status, companies]))
  return {
    name: 'ledger_companies',
    help: 'Registered companies.',
    type: 'gauge',
    samples: COMPANY_STATUSES.map((status) => ({ labels: { status }, value: byStatus.get(status) ?? 0 })),
  }
}

function lastTick({ lastTick: value }: SyncMetrics): Family {
  return {
    name: 'ledger_scheduler_last_tick_timestamp_seconds',
    help: 'When the scheduler last looked for companies that are due.',
    type: 'gauge',
    samples: value === null ? [] : [{ labels: {}, value }],
  }
}

function serviceStopped({ stopCode }: SyncMetrics): Family {
  return {
    name: 'ledger_service_stopped',
    help: '1 while all calls to QuickBooks are stopped, by reason.',
    type: 'gauge',
    samples: STOP_CODES.map((code) => ({ labels: { code }, value: code === stopCode ? 1 : 0 })),
  }
}

function callsOfMonth({ callsThisMonth }: SyncMetrics, budget: number | null): Family[] {
  const month: Family = {
    name: 'ledger_quickbooks_calls_month',
    help: 'Metered calls to Intuit since the month began, UTC.',
    type: 'gauge',
    samples: [{ labels: {}, value: callsThisMonth }],
  }
  if (budget === null) return [month]
  return [
    month,
    {
      name: 'ledger_quickbooks_calls_budget',
      help: 'Metered calls a month that QBO_MONTHLY_CALL_BUDGET allows.',
      type: 'gauge',
      samples: [{ labels: {}, value: budget }],
    },
  ]
}

interface Counter {
  readonly name: string
  readonly help: string
  /** In the order in which they are shown. */
  readonly labels: readonly string[]
  /** Series that exist from the start, so that `increase()` sees the first event as well. */
  readonly known: readonly Readonly<Record<string, string>>[]
}

const COUNTERS: readonly Counter[] = [
  {
    name: 'ledger_sync_runs_total',
    help: 'Sync runs that ended, by outcome.',
    labels: ['trigger', 'status'],
    known: TRIGGERS.flatMap((trigger) =>
      RUN_STATUSES.filter((status) => status !== 'running').map((status) => ({ trigger, status })),
    ),
  },
  {
    name: 'ledger_sync_failures_total',
    help: 'Sync runs that failed, by error code.',
    labels: ['code'],
    known: ERROR_CODES.map((code) => ({ code })),
  },
  {
    name: 'ledger_company_sync_failures_total',
    help: 'Sync runs of one company that failed, by error code.',
    labels: ['realm_id', 'code'],
    known: [],
  },
  {
    name: 'ledger_sync_records_total',
    help: 'Records met by sync runs, by outcome.',
    labels: ['entity', 'change'],
    known: ENTITIES.flatMap((entity) => Object.keys(noCounts()).map((change) => ({ entity, change }))),
  },
  {
    name: 'ledger_sync_drift_total',
    help: 'Differences found by complete listings that no change had reported.',
    labels: ['entity', 'kind'],
    known: ENTITIES.flatMap((entity) => DRIFT_KINDS.map((kind) => ({ entity, kind }))),
  },
  {
    name: 'ledger_webhook_events_total',
    help: 'Events that QuickBooks told of, by what became of them.',
    labels: ['outcome'],
    known: WEBHOOK_OUTCOMES.map((outcome) => ({ outcome })),
  },
  {
    name: 'ledger_quickbooks_requests_total',
    help: 'Calls to Intuit, by operation and HTTP status.',
    labels: ['operation', 'status'],
    known: [],
  },
  {
    name: 'ledger_quickbooks_metered_calls_total',
    help: 'Calls that Intuit counts against the monthly quota.',
    labels: ['realm_id'],
    known: [],
  },
]

function counterFamily({ name, help, labels, known }: Counter, totals: readonly Total[]): Family {
  const samples = new Map<string, Sample>()
  for (const total of [...known.map((zero) => ({ labels: zero, total: 0 })), ...totals]) {
    const values = labels.map((label) => total.labels[label] ?? '')
    // A fixed set of words and digits, never a line break.
    samples.set(values.join('\n'), {
      labels: Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ''])),
      value: total.total,
    })
  }
  return { name, help, type: 'counter', samples: [...samples.values()] }
}

const RUN_DURATION = 'ledger_sync_run_duration_seconds'

/** A run increments every bucket that its duration fits into: the rows are cumulative, as Prometheus expects. */
function runDuration(bounds: readonly number[], totals: ReadonlyMap<string, readonly Total[]>): Family {
  const only = (part: string) => totals.get(`${RUN_DURATION}_${part}`)?.[0]?.total ?? 0
  const buckets = new Map(
    totals.get(`${RUN_DURATION}_bucket`)?.map(({ labels, total }) => [labels['le'], total]),
  )
  const bucket = (le: string, value: number) => ({ name: `${RUN_DURATION}_bucket`, labels: { le }, value })
  return {
    name: RUN_DURATION,
    help: 'How long sync runs took, from the lease to their end.',
    type: 'histogram',
    samples: [
      ...bounds.map((bound) => bucket(String(bound), buckets.get(String(bound)) ?? 0)),
      bucket('+Inf', only('count')),
      { name: `${RUN_DURATION}_sum`, labels: {}, value: only('sum') },
      { name: `${RUN_DURATION}_count`, labels: {}, value: only('count') },
    ],
  }
}
