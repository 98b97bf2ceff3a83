// The classic form is what provisioning from files takes in every Grafana in use; the newer one is of its newest alone.
/* eslint-disable @typescript-eslint/no-deprecated */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { FRESHNESS_OBJECTIVE } from './rules.ts'

/** A panel of the dashboards: what it asks Prometheus, and by which label its lines are named. */
export interface Panel {
  readonly title: string
  readonly unit: string
  readonly queries: readonly { readonly expr: string; readonly legend: string }[]
  /** One number instead of lines. */
  readonly single?: true
  readonly description?: string
  /** Whether nothing at all is a good answer: a service may never have made such a call. */
  readonly mayBeEmpty?: true
}

interface Section {
  readonly title: string
  readonly panels: readonly Panel[]
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
const WIDTH = 8
const HEIGHT = 7

const one = (metric: string) => `max without (instance) (${metric})`
const rate = (metric: string) => `${one(`rate(${metric}[$__rate_interval])`)}`
const panel = (title: string, unit: string, expr: string, legend = '', more: Partial<Panel> = {}): Panel => ({
  title,
  unit,
  queries: [{ expr, legend }],
  ...more,
})
const quantiles = (title: string, bucket: string, by: string): Panel => ({
  title,
  unit: 's',
  queries: [0.5, 0.95, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, ${by} (rate(${bucket}[$__rate_interval])))`,
    legend: `p${quantile * 100}`,
  })),
})

/** Every company together. */
export const FLEET: readonly Section[] = [
  {
    title: 'Freshness',
    panels: [
      panel(
        'Time within the promise, 30 days',
        'percentunit',
        `1 - avg_over_time(ledger:late:ratio[30d])`,
        '',
        {
          single: true,
        },
      ),
      panel('Late now', 'short', 'sum(ledger:company_late)', '', { single: true }),
      panel('Late, against the objective', 'percentunit', 'ledger:late:ratio_1h', 'last hour', {
        description: `Allowed: ${1 - FRESHNESS_OBJECTIVE}`,
      }),
      panel(
        'Furthest behind',
        's',
        `topk(10, max by (realm_id) (${one('ledger_sync_lag_seconds')}) * on (realm_id) group_left (name) ledger:company_info)`,
        '{{name}}',
      ),
      panel('Companies', 'short', one('ledger_companies'), '{{status}}'),
      panel('All calls stopped', 'short', one('ledger_service_stopped'), '{{code}}'),
    ],
  },
  {
    title: 'Runs',
    panels: [
      panel(
        'Runs that ended',
        'ops',
        `sum by (trigger, status) (${rate('ledger_sync_runs_total')})`,
        '{{trigger}} {{status}}',
      ),
      panel('Failures by code', 'ops', rate('ledger_sync_failures_total'), '{{code}}'),
      quantiles('How long runs take', 'ledger_sync_run_duration_seconds_bucket', 'max by (le)'),
      panel('Records', 'ops', `sum by (change) (${rate('ledger_sync_records_total')})`, '{{change}}'),
      panel(
        'Drift',
        'short',
        'sum by (entity, kind) (increase(ledger:sync_drift_total[1d]))',
        '{{entity}} {{kind}}',
      ),
      panel('Records not taken', 'short', 'sum(ledger:sync_rejects)'),
    ],
  },
  {
    title: 'Calls and budget',
    panels: [
      panel('Calls', 'reqps', rate('ledger_quickbooks_requests_total'), '{{operation}} {{status}}'),
      panel('Calls of this month', 'short', 'ledger:quickbooks_calls_month', 'made'),
      panel('Budget', 'short', 'ledger:quickbooks_calls_budget', '', { single: true, mayBeEmpty: true }),
      quantiles(
        'How long QuickBooks takes',
        'ledger_quickbooks_request_duration_seconds_bucket',
        'sum by (le)',
      ),
    ],
  },
  {
    title: 'Queue and scheduler',
    panels: [
      panel('Jobs', 'short', one('ledger_queue_jobs'), '{{queue}} {{state}}'),
      panel('Since the last tick', 's', `time() - ${one('ledger_scheduler_last_tick_timestamp_seconds')}`),
    ],
  },
  {
    title: 'Processes',
    panels: [
      quantiles('How long requests take', 'ledger_http_request_duration_seconds_bucket', 'sum by (le)'),
      panel(
        'Requests',
        'reqps',
        'sum by (status) (rate(ledger_http_request_duration_seconds_count[$__rate_interval]))',
        '{{status}}',
      ),
      panel('Memory', 'bytes', 'process_resident_memory_bytes{job="ledger-mirror"}', '{{instance}}'),
      panel(
        'Processor',
        'percentunit',
        'rate(process_cpu_seconds_total{job="ledger-mirror"}[$__rate_interval])',
        '{{instance}}',
      ),
      panel(
        'Event loop lag, p99',
        's',
        'nodejs_eventloop_lag_p99_seconds{job="ledger-mirror"}',
        '{{instance}}',
      ),
      panel('Version', 'short', 'ledger_build_info', '{{instance}} {{version}}'),
    ],
  },
]

/** The one that the variable `realm_id` names. */
export const COMPANY: readonly Section[] = [
  {
    title: 'Freshness',
    panels: [
      panel('Late', 'short', 'ledger:company_late{realm_id="$realm_id"}', '', { single: true }),
      panel('State', 'short', 'ledger:company_info{realm_id="$realm_id"}', '{{status}}', { single: true }),
      panel('Behind QuickBooks', 's', one('ledger_sync_lag_seconds{realm_id="$realm_id"}'), '{{entity}}'),
      panel(
        'Since a run took everything',
        's',
        `time() - ${one('ledger_sync_last_success_timestamp_seconds{realm_id="$realm_id"}')}`,
      ),
    ],
  },
  {
    title: 'Runs and calls',
    panels: [
      panel(
        'Failures by code',
        'short',
        `increase(ledger_company_sync_failures_total{realm_id="$realm_id"}[1h])`,
        '{{code}}',
        { mayBeEmpty: true },
      ),
      panel('Records not taken', 'short', 'ledger:sync_rejects{realm_id="$realm_id"}'),
      panel(
        'Metered calls a day',
        'short',
        one('increase(ledger_quickbooks_metered_calls_total{realm_id="$realm_id"}[1d])'),
      ),
    ],
  },
]

export function fleetDashboard(): Dashboard {
  return dashboard('Ledger Mirror: the fleet', 'ledger-mirror-fleet', FLEET).build()
}

export function companyDashboard(): Dashboard {
  const companies = new QueryVariableBuilder('realm_id')
    .label('Company')
    .datasource(DATASOURCE)
    .query('query_result(ledger:company_info)')
    .regex('/(?=.*name="(?<text>[^"]+)")(?=.*realm_id="(?<value>[^"]+)").*/')
  return dashboard('Ledger Mirror: one company', 'ledger-mirror-company', COMPANY)
    .withVariable(companies)
    .build()
}

function dashboard(title: string, uid: string, sections: readonly Section[]): DashboardBuilder {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .tags(['ledger-mirror'])
    .refresh('1m')
    .time({ from: 'now-24h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').type('prometheus'))
  for (const { title: name, panels } of sections) {
    builder.withRow(new RowBuilder(name))
    for (const each of panels) builder.withPanel(panelOf(each))
  }
  return builder
}

function panelOf({ title, unit, queries, single, description }: Panel): Builder<never> {
  const empty = single ? new StatBuilder() : new TimeseriesBuilder()
  const builder = empty.title(title).unit(unit).datasource(DATASOURCE).span(WIDTH).height(HEIGHT)
  for (const [index, { expr, legend }] of queries.entries()) {
    builder.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode(65 + index))
        .expr(expr)
        .legendFormat(legend),
    )
  }
  if (description !== undefined) builder.description(description)
  // withPanel takes a builder of any panel, which its types cannot say of two kinds at once.
  return builder as unknown as Builder<never>
}
