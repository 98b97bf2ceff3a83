import { describe, expect, test } from '@jest/globals'
import { createMetrics, type MetricsOptions } from '../../src/metrics/metrics.ts'
import type { SyncMetrics } from '../../src/metrics/sync-metrics.ts'
import { parseExposition, type Scrape } from './parse-exposition.ts'
import { keptLog } from '../setup/kept-log.ts'

const NOTHING: SyncMetrics = {
  companiesByStatus: [],
  names: [],
  stopCode: null,
  callsThisMonth: 0,
  companies: [],
  freshness: [],
  connectionEnds: [],
  totals: [],
  runDurationBounds: [0.5, 10],
  lastTick: null,
}

const SOMETHING: SyncMetrics = {
  companiesByStatus: [{ status: 'active', companies: 2 }],
  names: [
    { realmId: '100', name: 'Ada "& Sons"', status: 'active' },
    { realmId: '200', name: null, status: 'active' },
  ],
  stopCode: 'budget_spent',
  callsThisMonth: 4321,
  companies: [
    { realmId: '100', lastSuccess: 1_700_000_000.5, openRejects: 3, late: true },
    { realmId: '200', lastSuccess: null, openRejects: 0, late: false },
  ],
  freshness: [
    { realmId: '100', entity: 'bill', lagSeconds: 61.25, watermark: 1_700_000_000 },
    { realmId: '200', entity: 'bill', lagSeconds: 5, watermark: null },
  ],
  connectionEnds: [{ realmId: '100', expires: 1_708_000_000 }],
  totals: [
    { metric: 'ledger_sync_runs_total', labels: { status: 'failed', trigger: 'manual' }, total: 4 },
    { metric: 'ledger_sync_failures_total', labels: { code: 'throttled' }, total: 4 },
    {
      metric: 'ledger_company_sync_failures_total',
      labels: { code: 'throttled', realm_id: '100' },
      total: 4,
    },
    { metric: 'ledger_sync_records_total', labels: { change: 'inserted', entity: 'bill' }, total: 12 },
    { metric: 'ledger_quickbooks_requests_total', labels: { operation: 'cdc', status: '200' }, total: 9 },
    { metric: 'ledger_quickbooks_metered_calls_total', labels: { realm_id: '100' }, total: 8 },
    { metric: 'ledger_sync_run_duration_seconds_bucket', labels: { le: '0.5' }, total: 1 },
    { metric: 'ledger_sync_run_duration_seconds_bucket', labels: { le: '10' }, total: 3 },
    { metric: 'ledger_sync_run_duration_seconds_sum', labels: {}, total: 77.5 },
    { metric: 'ledger_sync_run_duration_seconds_count', labels: {}, total: 4 },
    { metric: 'ledger_forgotten_total', labels: {}, total: 1 },
  ],
  runDurationBounds: [0.5, 10],
  lastTick: 1_700_000_123,
}

// The names that dashboards and alert rules are written against.
const TYPES = {
  ledger_sync_lag_seconds: 'gauge',
  ledger_sync_watermark_timestamp_seconds: 'gauge',
  ledger_sync_last_success_timestamp_seconds: 'gauge',
  ledger_connection_expires_timestamp_seconds: 'gauge',
  ledger_sync_runs_total: 'counter',
  ledger_sync_failures_total: 'counter',
  ledger_company_sync_failures_total: 'counter',
  ledger_sync_run_duration_seconds: 'histogram',
  ledger_sync_records_total: 'counter',
  ledger_sync_rejects: 'gauge',
  ledger_quickbooks_requests_total: 'counter',
  ledger_quickbooks_metered_calls_total: 'counter',
  ledger_companies: 'gauge',
  ledger_company_info: 'gauge',
  ledger_company_late: 'gauge',
  ledger_service_stopped: 'gauge',
  ledger_quickbooks_calls_month: 'gauge',
  ledger_quickbooks_calls_budget: 'gauge',
  ledger_scheduler_last_tick_timestamp_seconds: 'gauge',
  ledger_queue_jobs: 'gauge',
  ledger_collector_up: 'gauge',
  ledger_quickbooks_request_duration_seconds: 'histogram',
  ledger_http_request_duration_seconds: 'histogram',
  ledger_build_info: 'gauge',
}

function metricsWith(options: Partial<MetricsOptions> = {}) {
  return createMetrics({
    perCompany: true,
    monthlyCallBudget: 500_000,
    version: '1.2.3',
    readSync: async () => SOMETHING,
    readQueues: async () => [{ queue: 'sync-company', state: 'active', jobs: 3 }],
    collectorTimeoutMs: 60_000,
    log: keptLog().log,
    ...options,
  })
}

async function scrape(options: Partial<MetricsOptions> = {}): Promise<Scrape> {
  return parseExposition(await metricsWith(options).render())
}

describe('a scrape', () => {
  test('has every promised name with its type, and the default metrics of the process', async () => {
    const { families } = await scrape()
    const types = Object.fromEntries([...families].map(([name, { type }]) => [name, type]))
    expect(types).toMatchObject(TYPES)
    expect(types).toHaveProperty('process_cpu_seconds_total', 'counter')
    expect(types).toHaveProperty('nodejs_eventloop_lag_seconds', 'gauge')
  })

  test('is Prometheus text 0.0.4', () => {
    expect(metricsWith().contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  test('tells what was read', async () => {
    const { series } = await scrape()
    expect(Object.fromEntries(series)).toMatchObject({
      'ledger_sync_lag_seconds{realm_id="100",entity="bill"}': 61.25,
      'ledger_sync_lag_seconds{realm_id="200",entity="bill"}': 5,
      'ledger_sync_watermark_timestamp_seconds{realm_id="100",entity="bill"}': 1_700_000_000,
      'ledger_sync_last_success_timestamp_seconds{realm_id="100"}': 1_700_000_000.5,
      'ledger_sync_rejects{realm_id="100"}': 3,
      'ledger_sync_rejects{realm_id="200"}': 0,
      'ledger_connection_expires_timestamp_seconds{realm_id="100"}': 1_708_000_000,
      'ledger_sync_runs_total{trigger="manual",status="failed"}': 4,
      'ledger_sync_failures_total{code="throttled"}': 4,
      'ledger_company_sync_failures_total{realm_id="100",code="throttled"}': 4,
      'ledger_sync_records_total{entity="bill",change="inserted"}': 12,
      'ledger_quickbooks_requests_total{operation="cdc",status="200"}': 9,
      'ledger_quickbooks_metered_calls_total{realm_id="100"}': 8,
      'ledger_companies{status="active"}': 2,
      'ledger_companies{status="needs_reauth"}': 0,
      ledger_scheduler_last_tick_timestamp_seconds: 1_700_000_123,
      'ledger_queue_jobs{queue="sync-company",state="active"}': 3,
      'ledger_collector_up{collector="sync"}': 1,
      'ledger_collector_up{collector="queues"}': 1,
      'ledger_build_info{version="1.2.3"}': 1,
    })
    expect(series.has('ledger_sync_watermark_timestamp_seconds{realm_id="200",entity="bill"}')).toBe(false)
    expect(series.has('ledger_sync_last_success_timestamp_seconds{realm_id="200"}')).toBe(false)
    expect(series.has('ledger_forgotten_total')).toBe(false)
  })

  test('the durations of runs are a cumulative histogram that ends with all of them', async () => {
    const { series } = await scrape()
    const name = 'ledger_sync_run_duration_seconds'
    expect([...series].filter(([key]) => key.startsWith(name))).toEqual([
      [`${name}_bucket{le="0.5"}`, 1],
      [`${name}_bucket{le="10"}`, 3],
      [`${name}_bucket{le="+Inf"}`, 4],
      [`${name}_sum`, 77.5],
      [`${name}_count`, 4],
    ])
  })

  test('counters with few series are there before the first event, so that its increase is seen', async () => {
    const { series } = await scrape({ readSync: async () => NOTHING })
    expect(Object.fromEntries(series)).toMatchObject({
      'ledger_sync_runs_total{trigger="schedule",status="abandoned"}': 0,
      'ledger_sync_failures_total{code="needs_reauth"}': 0,
      'ledger_sync_records_total{entity="invoice",change="drifted"}': 0,
      'ledger_sync_run_duration_seconds_bucket{le="10"}': 0,
      ledger_sync_run_duration_seconds_count: 0,
    })
    expect(series.has('ledger_sync_runs_total{trigger="schedule",status="running"}')).toBe(false)
    expect(series.has('ledger_scheduler_last_tick_timestamp_seconds')).toBe(false)
  })

  test('without companies of their own no series and no metric has a realm id', async () => {
    const text = await metricsWith({ perCompany: false }).render()
    expect(text).not.toContain('realm_id')
    const { families, series } = parseExposition(text)
    expect([...families.keys()]).not.toContain('ledger_sync_lag_seconds')
    expect([...families.keys()]).not.toContain('ledger_quickbooks_metered_calls_total')
    expect(series.get('ledger_sync_failures_total{code="throttled"}')).toBe(4)
  })

  test('a reading that fails takes only its own metrics away, and its last values are not repeated', async () => {
    let fail = false
    const metrics = metricsWith({
      readSync: async () => {
        if (fail) throw new Error('the database is away')
        return SOMETHING
      },
    })
    expect(await metrics.render()).toContain('ledger_sync_lag_seconds{')
    fail = true
    const { series } = parseExposition(await metrics.render())
    expect([...series.keys()].filter((key) => /^ledger_(sync|companies|scheduler)/.test(key))).toEqual([])
    expect(Object.fromEntries(series)).toMatchObject({
      'ledger_collector_up{collector="sync"}': 0,
      'ledger_collector_up{collector="queues"}': 1,
      'ledger_queue_jobs{queue="sync-company",state="active"}': 3,
      'ledger_build_info{version="1.2.3"}': 1,
    })
  })

  test('a reading that never ends takes only its own metrics away', async () => {
    const { series } = await scrape({ readQueues: () => new Promise(() => {}), collectorTimeoutMs: 50 })
    expect(series.get('ledger_collector_up{collector="queues"}')).toBe(0)
    expect(series.get('ledger_sync_rejects{realm_id="100"}')).toBe(3)
  })

  test('requests and calls of this process are measured', async () => {
    const metrics = metricsWith()
    metrics.observeHttpRequest({ method: 'GET', route: '/healthz', status: '200', seconds: 0.02 })
    metrics.observeQuickBooksCall({
      operation: 'cdc',
      status: '200',
      durationMs: 400,
      metered: true,
      intuitTid: null,
    })
    const { series } = parseExposition(await metrics.render())
    const request = 'method="GET",route="/healthz",status="200"'
    expect(Object.fromEntries(series)).toMatchObject({
      [`ledger_http_request_duration_seconds_bucket{le="0.01",${request}}`]: 0,
      [`ledger_http_request_duration_seconds_bucket{le="0.025",${request}}`]: 1,
      [`ledger_http_request_duration_seconds_count{${request}}`]: 1,
      'ledger_quickbooks_request_duration_seconds_bucket{le="0.25",operation="cdc"}': 0,
      'ledger_quickbooks_request_duration_seconds_bucket{le="0.5",operation="cdc"}': 1,
      'ledger_quickbooks_request_duration_seconds_sum{operation="cdc"}': 0.4,
    })
  })
})
