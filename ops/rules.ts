/** Prometheus' own form of a rule. */
export type Rule = RecordingRule | AlertRule

export interface RecordingRule {
  readonly record: string
  readonly expr: string
}

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface RuleGroup {
  readonly name: string
  readonly interval: string
  readonly rules: readonly Rule[]
}

export interface RuleFile {
  readonly groups: readonly RuleGroup[]
}

export interface RuleOptions {
  /** How many times faster than the clock all windows and waits pass: 1, or a rehearsal's more. */
  readonly speed?: number
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

// Of a company's time within its promise. A deploy or a night of throttling fits into the rest: 3.6 hours in 30 days.
export const FRESHNESS_OBJECTIVE = 0.995

/**
 * How fast the rest may be used up before somebody is told: of 30 days' worth, 2 % in an hour, 5 % in six, and 10 % in
 * a day or in three. The short window, a twelfth, ends the alarm soon after its cause.
 */
const BURNS = [
  { long: HOUR, short: 5 * MINUTE, factor: 14.4, severity: 'page' },
  { long: 6 * HOUR, short: 30 * MINUTE, factor: 6, severity: 'page' },
  { long: DAY, short: 2 * HOUR, factor: 3, severity: 'ticket' },
  { long: 3 * DAY, short: 6 * HOUR, factor: 1, severity: 'ticket' },
] as const

// The tick comes each minute; three missed in a row are no accident.
const TICK_AGE_SECONDS = 4 * MINUTE
// Below it a handful of companies with a bad quarter of an hour would ring.
const FAILURE_SHARE = 0.1
const FEWEST_FAILURES = 3
const BUDGET_SHARE = 0.9

/** Waits too long to be passed on are said in docs/operating.md, where a section is named for each alert. */
export function recordingRules({ speed = 1 }: RuleOptions = {}): RuleFile {
  const windows = [...new Set(BURNS.flatMap(({ long, short }) => [long, short]))].sort((a, b) => a - b)
  return {
    groups: [
      {
        name: 'ledger-mirror-facts',
        interval: duration(30, speed),
        rules: [
          // A company renamed between the scrapes of two processes would have two names, and a join would fail.
          recorded(
            'ledger:company_info',
            'topk by (realm_id) (1, max without (instance) (ledger_company_info))',
          ),
          ...FACTS.map(([record, metric]) => recorded(record, `max without (instance) (${metric})`)),
          recorded('ledger:late:ratio', 'avg without (realm_id) (ledger:company_late)'),
          recorded(
            'ledger:queue_waiting',
            'sum without (state) (max without (instance) (ledger_queue_jobs{state=~"ready|deferred|active|failed"}))',
          ),
          recorded('ledger:queue_ready', 'max without (instance) (ledger_queue_jobs{state="ready"})'),
        ],
      },
      {
        name: 'ledger-mirror-freshness',
        interval: duration(30, speed),
        rules: windows.flatMap((window) => [
          recorded(lateOver(window), `avg_over_time(ledger:late:ratio[${duration(window, speed)}])`),
        ]),
      },
    ],
  }
}

/** What every web process tells alike, once. */
const FACTS = [
  ['ledger:company_late', 'ledger_company_late'],
  ['ledger:sync_rejects', 'ledger_sync_rejects'],
  ['ledger:sync_lag_seconds', 'ledger_sync_lag_seconds'],
  ['ledger:connection_expires_timestamp_seconds', 'ledger_connection_expires_timestamp_seconds'],
  ['ledger:sync_runs_total', 'ledger_sync_runs_total'],
  ['ledger:sync_failures_total', 'ledger_sync_failures_total'],
  ['ledger:sync_drift_total', 'ledger_sync_drift_total'],
  ['ledger:quickbooks_calls_month', 'ledger_quickbooks_calls_month'],
  ['ledger:quickbooks_calls_budget', 'ledger_quickbooks_calls_budget'],
] as const

export function alertRules({ speed = 1 }: RuleOptions = {}): RuleFile {
  const within = (seconds: number) => duration(seconds, speed)
  const alert = (name: string, wait: number, rule: AlertText) => alertOf(name, within(wait), rule)
  return {
    groups: [
      {
        name: 'ledger-mirror-freshness-alerts',
        interval: within(30),
        rules: [
          ...BURNS.map(({ long, short, factor, severity }) =>
            alert('LedgerFreshnessBurn', 0, {
              severity,
              labels: { window: readable(long) },
              expr: burnsFaster(factor, long, short),
              summary: 'Clients are shown books older than promised',
              description: `{{ $value | humanizePercentage }} of the companies' time in ${readable(long)} was late; the objective allows ${percent(1 - FRESHNESS_OBJECTIVE)}.`,
            }),
          ),
          alert('LedgerCompanyLate', 30 * MINUTE, {
            severity: 'ticket',
            expr: named('ledger:company_late == 1'),
            summary: '{{ $labels.name }} ({{ $labels.realm_id }}) is late',
            description: 'Its mirror is older than promised for this company, for half an hour by now.',
          }),
        ],
      },
      {
        name: 'ledger-mirror-service-alerts',
        interval: within(30),
        rules: [
          alert('LedgerServiceStopped', 2 * MINUTE, {
            severity: 'page',
            expr: 'max without (instance) (ledger_service_stopped) == 1',
            summary: 'No company is synced: {{ $labels.code }}',
            description: 'All calls to QuickBooks are stopped. The mirror can be read, and ages.',
          }),
          alert('LedgerSchedulerNotTicking', MINUTE, {
            severity: 'page',
            expr: `time() - max without (instance) (ledger_scheduler_last_tick_timestamp_seconds) > ${TICK_AGE_SECONDS / speed}`,
            summary: 'Nobody looks for companies that are due',
            description: 'The last tick was {{ $value | humanizeDuration }} ago; it comes each minute.',
          }),
          alert('LedgerNoScrape', 5 * MINUTE, {
            severity: 'page',
            expr: 'max by (job) (up{job="ledger-mirror"}) == 0 or absent(up{job="ledger-mirror"})',
            summary: 'No process of Ledger Mirror answers Prometheus',
            description: 'Neither its pages nor its other alarms can be trusted until one does.',
          }),
          alert('LedgerCollectorDown', 5 * MINUTE, {
            severity: 'page',
            expr: 'max without (instance) (ledger_collector_up) == 0',
            summary: 'Readings of {{ $labels.collector }} are missing',
            description:
              'The service answers and cannot read its own state; the alarms on that state are blind.',
          }),
          alert('LedgerQueueNotDraining', 5 * MINUTE, {
            severity: 'page',
            expr: `min_over_time(ledger:queue_ready{queue="sync-company"}[${within(15 * MINUTE)}]) > 0 and on () sum(increase(ledger:sync_runs_total[${within(15 * MINUTE)}])) == 0`,
            summary: 'Jobs wait and no run ends',
            description:
              '{{ $value }} companies wait for a worker, and no run ended in a quarter of an hour.',
          }),
          alert('LedgerDeadLetters', 0, {
            severity: 'ticket',
            expr: 'ledger:queue_waiting{queue="sync-company-dead"} > 0',
            summary: 'Syncs crashed again and again',
            description: '{{ $value }} jobs failed all their retries: a defect, or a process that dies.',
          }),
          alert('LedgerFailures', 5 * MINUTE, {
            severity: 'ticket',
            expr: failures(within(30 * MINUTE)),
            summary: 'Many runs fail: {{ $labels.code }}',
            description: '{{ $value | humanize }} runs of the last half hour failed with {{ $labels.code }}.',
          }),
          alert('LedgerInternalFailures', 0, {
            severity: 'ticket',
            expr: `increase(ledger:sync_failures_total{code="internal"}[${within(HOUR)}]) > 0`,
            summary: 'A run met a defect',
            description: 'A failure that the service has no name for; the log has its stack.',
          }),
        ],
      },
      {
        name: 'ledger-mirror-company-alerts',
        interval: within(30),
        rules: [
          alert('LedgerReconnectNeeded', 5 * MINUTE, {
            severity: 'ticket',
            expr: 'ledger:company_info{status="needs_reauth"} == 1',
            summary: '{{ $labels.name }} ({{ $labels.realm_id }}) must be connected again',
            description: 'Intuit no longer takes its tokens; nothing but a new connection helps.',
          }),
          alert('LedgerConnectionEnding', HOUR, {
            severity: 'ticket',
            expr: named(`ledger:connection_expires_timestamp_seconds - time() < ${30 * DAY}`),
            summary: 'The connection of {{ $labels.name }} ({{ $labels.realm_id }}) ends unused',
            description: '{{ $value | humanizeDuration }} are left. One run renews it.',
          }),
          alert('LedgerRejectsUnsettled', DAY, {
            severity: 'ticket',
            expr: named('ledger:sync_rejects > 0'),
            summary:
              '{{ $labels.name }} ({{ $labels.realm_id }}) has {{ $value }} records that could not be taken',
            description: 'They were tried again for a day. The mirror shows their last version that could.',
          }),
          alert('LedgerDriftFound', 0, {
            severity: 'ticket',
            expr: `increase(ledger:sync_drift_total[${within(HOUR)}]) > 0`,
            summary: 'The mirror differed from QuickBooks: {{ $labels.entity }} {{ $labels.kind }}',
            description: 'A complete listing found and mended what no change had reported.',
          }),
          alert('LedgerBudgetNearlySpent', 5 * MINUTE, {
            severity: 'ticket',
            expr: `ledger:quickbooks_calls_month / ledger:quickbooks_calls_budget > ${BUDGET_SHARE} and ledger:quickbooks_calls_budget > 0`,
            summary: '{{ $value | humanizePercentage }} of the calls of this month are spent',
            description: 'When all are, syncing stops until the month ends or the budget is raised.',
          }),
          alert('LedgerBudgetWillNotLast', HOUR, {
            severity: 'ticket',
            expr: `ledger:quickbooks_calls_month + increase(ledger:quickbooks_calls_month[${within(DAY)}]) * scalar(days_in_month() - day_of_month()) > ledger:quickbooks_calls_budget > 0`,
            summary: 'At the pace of the last day the calls of this month will not last',
            description: '{{ $value | humanize }} calls are foreseen by the end of the month.',
          }),
        ],
      },
    ],
  }
}

/** The committed form. */
export function formatRules({ groups }: RuleFile): string {
  const lines = ['# Written by `npm run ops` from ops/rules.ts.', 'groups:']
  for (const { name, interval, rules } of groups) {
    lines.push(`  - name: ${name}`, `    interval: ${interval}`, '    rules:')
    for (const rule of rules) lines.push(...formatRule(rule))
  }
  return `${lines.join('\n')}\n`
}

// A text in JSON's quotes is one in YAML's.
function formatRule(rule: Rule): string[] {
  const lines = Object.entries(rule).flatMap(([key, value]: [string, string | Record<string, string>]) =>
    typeof value === 'string'
      ? [`${key}: ${JSON.stringify(value)}`]
      : [`${key}:`, ...Object.entries(value).map(([name, text]) => `  ${name}: ${JSON.stringify(text)}`)],
  )
  return lines.map((line, index) => `      ${index === 0 ? '- ' : '  '}${line}`)
}

interface AlertText {
  readonly severity: 'page' | 'ticket'
  readonly expr: string
  readonly summary: string
  readonly description: string
  readonly labels?: Readonly<Record<string, string>>
}

function alertOf(name: string, wait: string, { severity, labels, expr, ...texts }: AlertText): AlertRule {
  return {
    alert: name,
    expr,
    ...(wait === '0s' ? {} : { for: wait }),
    labels: { severity, ...labels },
    annotations: { ...texts, runbook: `docs/operating.md#${name.toLowerCase()}` },
  }
}

function recorded(record: string, expr: string): RecordingRule {
  return { record, expr }
}

function lateOver(seconds: number): string {
  return `ledger:late:ratio_${readable(seconds)}`
}

function burnsFaster(factor: number, long: number, short: number): string {
  const most = Number((factor * (1 - FRESHNESS_OBJECTIVE)).toFixed(4))
  return `${lateOver(long)} > ${most} and ${lateOver(short)} > ${most}`
}

/** Adds the company's name. */
function named(expr: string): string {
  return `(${expr}) * on (realm_id) group_left (name) ledger:company_info`
}

function failures(window: string): string {
  const failed = `increase(ledger:sync_failures_total[${window}])`
  const all = `scalar(sum(increase(ledger:sync_runs_total[${window}])))`
  return `${failed} > ${FEWEST_FAILURES} and ${failed} > ${FAILURE_SHARE} * ${all}`
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`
}

/** A rehearsal's windows still hold some scrapes. */
function duration(seconds: number, speed: number): string {
  if (seconds === 0) return '0s'
  return speed === 1 ? readable(seconds) : `${Math.max(1, Math.round(seconds / speed))}s`
}

function readable(seconds: number): string {
  if (seconds % DAY === 0) return `${seconds / DAY}d`
  if (seconds % HOUR === 0) return `${seconds / HOUR}h`
  return seconds % MINUTE === 0 ? `${seconds / MINUTE}m` : `${seconds}s`
}
