import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { COMPANY, FLEET } from '../../ops/dashboards.ts'
import { METERED_CALLS_OF_MONTH } from '../../src/sync/record-calls.ts'
import {
  ADMIN_TOKEN,
  openDeployment,
  smallCompany,
  type Deployment,
  type Replica,
} from '../service/deployment.ts'
import { createTestDatabase, type TestDatabase } from '../setup/test-database.ts'
import { hasProgram, PROMETHEUS } from './prometheus-programs.ts'
import { startPrometheus, type RunningPrometheus } from './prometheus.ts'

const withPrometheus = hasProgram(PROMETHEUS, 'alarms and dashboards on a real Prometheus')
  ? describe
  : describe.skip

// Ten minutes pass in a second: every wait and window is as short as scrapes allow.
const SPEED = 600
// A day's wait in a quarter of a minute: for an alarm that looks at no window.
const SPEED_OF_DAYS = 6000
// A quarter of an hour in which no run ends must hold several scrapes.
const SPEED_OF_QUEUES = 200
// The tick comes by the real clock each minute: 80 s is an age that one that ticks never has.
const SPEED_OF_TICKS = 3
const COMPANIES = [1, 2, 3, 4, 5, 6].map((number) => ({ ...smallCompany(number), lively: false }))
const [FIRST, SECOND, THIRD, FOURTH, FIFTH] = COMPANIES.map(({ realmId }) => realmId) as [
  string,
  string,
  string,
  string,
  string,
]
const BUDGET = 1_000_000

withPrometheus('the alarms, on a real Prometheus that scrapes the service', () => {
  let database: TestDatabase
  let deployment: Deployment
  let replica: Replica
  let prometheus: RunningPrometheus

  beforeAll(async () => {
    database = await createTestDatabase()
    deployment = await openDeployment({ databaseUrl: database.url, companies: COMPANIES })
    await deployment.migrate()
    await deployment.registerCompanies()
    replica = await deployment.start({ QBO_MONTHLY_CALL_BUDGET: String(BUDGET) })
    prometheus = await startPrometheus({ target: replica.url, token: ADMIN_TOKEN, speed: SPEED })
    await deployment.untilRow(
      'SELECT WHERE NOT EXISTS (SELECT FROM companies WHERE served_seq < requested_seq)',
    )
    await prometheus.untilSampled('ledger_companies{status="active"} == 6')
  })

  afterAll(async () => {
    await prometheus.close()
    await deployment.close()
    await database.drop()
  })

  // Before its first scrape, and where one comes too late, Prometheus may have rung for a moment.
  test('are silent once all is well', async () => {
    for (const alertname of [
      'LedgerReconnectNeeded',
      'LedgerCompanyLate',
      'LedgerServiceStopped',
      'LedgerNoScrape',
    ]) {
      await prometheus.untilQuiet({ alertname })
    }
  })

  test('a company that Intuit refuses rings with its name', async () => {
    deployment.sandbox.faults.add({ kind: 'invalidGrant', realmId: FIRST })
    await deployment.rows(
      'UPDATE connections SET access_token_expires_at = now() WHERE realm_id = :realmId',
      {
        realmId: FIRST,
      },
    )
    await replica.request('POST', `/admin/sync/${FIRST}`, { body: {} })
    const { annotations } = await prometheus.untilRinging({
      alertname: 'LedgerReconnectNeeded',
      severity: 'ticket',
      realm_id: FIRST,
    })
    expect(annotations).toMatchObject({
      summary: `Client 1 (${FIRST}) must be connected again`,
      runbook: 'docs/operating.md#ledgerreconnectneeded',
    })
    deployment.sandbox.faults.clear()
  })

  test('a company whose books age rings, burns what may be late, and is quiet once it is read', async () => {
    await deployment.rows(
      `UPDATE sync_states SET watermark = watermark - interval '2 hours' WHERE realm_id = :realmId`,
      { realmId: SECOND },
    )
    const { annotations } = await prometheus.untilRinging({
      alertname: 'LedgerCompanyLate',
      realm_id: SECOND,
    })
    expect(annotations['summary']).toBe(`Client 2 (${SECOND}) is late`)
    await prometheus.untilRinging({ alertname: 'LedgerFreshnessBurn', severity: 'page', window: '1h' })
    await replica.request('POST', `/admin/sync/${SECOND}?wait=25`, { body: {} })
    await prometheus.untilQuiet({ alertname: 'LedgerCompanyLate' })
  })

  test('what a complete listing finds and no change told rings', async () => {
    const books = deployment.sandbox.books(THIRD)
    books.vanish('Bill', books.records('Bill')[0]!.Id)
    await replica.request('POST', `/admin/sync/${THIRD}?wait=25`, { body: { mode: 'full' } })
    await prometheus.untilRinging({ alertname: 'LedgerDriftFound', entity: 'bill' })
  })

  test('a record that cannot be taken rings with the name of its company after a day', async () => {
    const slow = await startPrometheus({ target: replica.url, token: ADMIN_TOKEN, speed: SPEED_OF_DAYS })
    try {
      const recordId = deployment.sandbox.books(FOURTH).records('Bill')[0]!.Id
      deployment.sandbox.faults.add({ kind: 'poisonedRecord', realmId: FOURTH, entity: 'Bill', recordId })
      await replica.request('POST', `/admin/sync/${FOURTH}?wait=25`, { body: { mode: 'full' } })
      const { annotations } = await slow.untilRinging({
        alertname: 'LedgerRejectsUnsettled',
        realm_id: FOURTH,
      })
      expect(annotations['summary']).toBe(`Client 4 (${FOURTH}) has 1 records that could not be taken`)
    } finally {
      await slow.close()
      deployment.sandbox.faults.clear()
    }
  })

  test('a connection that is left unused rings with the name of its company weeks ahead', async () => {
    const until = (end: string) =>
      deployment.rows(
        `UPDATE connections SET refresh_token_expires_at = now() + CAST(:end AS interval) WHERE realm_id = :realmId`,
        { realmId: FIFTH, end },
      )
    await until('20 days')
    const { annotations } = await prometheus.untilRinging({
      alertname: 'LedgerConnectionEnding',
      realm_id: FIFTH,
    })
    expect(annotations['summary']).toContain(`Client 5 (${FIFTH})`)
    await until('100 days')
    await prometheus.untilQuiet({ alertname: 'LedgerConnectionEnding' })
  })

  test('runs that all fail ring with their code', async () => {
    deployment.sandbox.faults.add({ kind: 'unavailable503Html' })
    await replica.request('POST', '/admin/sync', { body: {} })
    await prometheus.untilRinging({ alertname: 'LedgerFailures', code: 'unavailable' })
    deployment.sandbox.faults.clear()
    await replica.request('POST', '/admin/sync', { body: {} })
    await prometheus.untilQuiet({ alertname: 'LedgerFailures' })
  })

  test('a defect rings, and what the queue gives up over it does', async () => {
    // Its retries would take minutes.
    await deployment.rows(
      `UPDATE pgboss.queue SET retry_limit = 1, retry_delay = 0, retry_backoff = false WHERE name = 'sync-company'`,
    )
    await deployment.rows(`
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a defect'; END $$;
      CREATE TRIGGER fail BEFORE UPDATE ON sync_runs FOR EACH ROW
        WHEN (new.realm_id = '${FIFTH}' AND new.status = 'succeeded') EXECUTE FUNCTION fail()`)
    await replica.request('POST', `/admin/sync/${FIFTH}`, { body: {} })
    await prometheus.untilRinging({ alertname: 'LedgerInternalFailures', severity: 'ticket' })
    await prometheus.untilRinging({ alertname: 'LedgerDeadLetters', severity: 'ticket' })
    await deployment.rows('DROP TRIGGER fail ON sync_runs')
    await replica.request('POST', '/admin/dead-letters/redrive', { body: {} })
    await prometheus.untilQuiet({ alertname: 'LedgerDeadLetters' })
  })

  test('a service that cannot read its own state rings as a page', async () => {
    await deployment.rows('ALTER TABLE metric_totals RENAME TO mislaid')
    await prometheus.untilRinging({ alertname: 'LedgerCollectorDown', severity: 'page', collector: 'sync' })
    await deployment.rows('ALTER TABLE mislaid RENAME TO metric_totals')
    await prometheus.untilQuiet({ alertname: 'LedgerCollectorDown' })
  })

  test('an app that Intuit refuses stops everything, rings as a page, and is quiet once it is taken again', async () => {
    const fault = deployment.sandbox.faults.add({ kind: 'invalidClient' })
    await deployment.rows('UPDATE connections SET access_token_expires_at = now()')
    await replica.request('POST', '/admin/sync', { body: {} })
    const { annotations } = await prometheus.untilRinging({
      alertname: 'LedgerServiceStopped',
      severity: 'page',
      code: 'app_misconfigured',
    })
    expect(annotations['summary']).toBe('No company is synced: app_misconfigured')
    deployment.sandbox.faults.remove(fault)
    // Its next try would be minutes away.
    await deployment.rows('UPDATE service_state SET calls_paused_until = now()')
    await replica.request('POST', `/admin/sync/${SECOND}?wait=25`, { body: {} })
    await prometheus.untilQuiet({ alertname: 'LedgerServiceStopped' })
  })

  test.each([
    ...FLEET.flatMap(({ panels }) => panels.map((panel) => ({ dashboard: 'fleet', panel }))),
    ...COMPANY.flatMap(({ panels }) => panels.map((panel) => ({ dashboard: 'company', panel }))),
  ])('the panel "$panel.title" of $dashboard shows something', async ({ panel }) => {
    for (const { expr } of panel.queries) {
      const asked = expr.replaceAll('$__rate_interval', '10s').replaceAll('$realm_id', SECOND)
      const samples = await prometheus.query(asked)
      if (!panel.mayBeEmpty) expect({ asked, samples }).not.toEqual({ asked, samples: [] })
    }
  })

  test('calls that come to an end ring before they have', async () => {
    await addCalls(0.95 * BUDGET)
    await prometheus.untilRinging({ alertname: 'LedgerBudgetNearlySpent', severity: 'ticket' })
    expect(await prometheus.ringing({ alertname: 'LedgerServiceStopped' })).toEqual([])
  })

  test('calls at a pace at which they will not last ring', async () => {
    // More than the budget, because on the last day of a month no more days are foreseen.
    await addCalls(0.06 * BUDGET)
    await prometheus.untilRinging({ alertname: 'LedgerBudgetWillNotLast', severity: 'ticket' })
  })

  test('a service that does not answer rings as a page', async () => {
    await replica.end('SIGKILL')
    await prometheus.untilRinging({ alertname: 'LedgerNoScrape', severity: 'page' })
  })

  async function addCalls(calls: number): Promise<void> {
    await deployment.rows(
      `INSERT INTO metric_raises (metric, labels, amount)
       VALUES (:metric, jsonb_build_object('month', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')), :calls)`,
      { metric: METERED_CALLS_OF_MONTH, calls },
    )
  }
})

withPrometheus('the alarms, where some processes are missing', () => {
  let database: TestDatabase
  let deployment: Deployment
  let prometheus: RunningPrometheus | null = null

  beforeAll(async () => {
    database = await createTestDatabase()
    deployment = await openDeployment({ databaseUrl: database.url, companies: COMPANIES })
    await deployment.migrate()
    await deployment.registerCompanies()
  })

  afterEach(async () => {
    await prometheus?.close()
    prometheus = null
  })

  afterAll(async () => {
    await deployment.close()
    await database.drop()
  })

  test('jobs that nobody takes ring as a page, and are quiet once somebody does', async () => {
    const web = await deployment.start({ ROLES: 'web,scheduler' })
    prometheus = await startPrometheus({ target: web.url, token: ADMIN_TOKEN, speed: SPEED_OF_QUEUES })
    await prometheus.untilRinging({ alertname: 'LedgerQueueNotDraining', severity: 'page' })
    const worker = await deployment.start({ ROLES: 'worker' })
    await prometheus.untilQuiet({ alertname: 'LedgerQueueNotDraining' })
    await worker.end('SIGTERM')
    await web.end('SIGTERM')
  })

  test('a scheduler that is gone rings as a page, and one that ticks does not', async () => {
    const scheduler = await deployment.start({ ROLES: 'scheduler' })
    const web = await deployment.start({ ROLES: 'web' })
    prometheus = await startPrometheus({ target: web.url, token: ADMIN_TOKEN, speed: SPEED_OF_TICKS })
    await prometheus.untilSampled('time() - ledger_scheduler_last_tick_timestamp_seconds < 60')
    expect(await prometheus.ringing({ alertname: 'LedgerSchedulerNotTicking' })).toEqual([])
    await scheduler.end('SIGKILL')
    await deployment.rows(`UPDATE service_state SET last_tick_at = now() - interval '80 seconds'`)
    await prometheus.untilRinging({ alertname: 'LedgerSchedulerNotTicking', severity: 'page' })
  })
})
