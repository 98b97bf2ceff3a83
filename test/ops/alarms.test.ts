import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { COMPANY, FLEET } from '../../ops/dashboards.ts'
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
const COMPANIES = [1, 2, 3, 4, 5, 6].map((number) => ({ ...smallCompany(number), lively: false }))
const [FIRST, SECOND, THIRD] = COMPANIES.map(({ realmId }) => realmId) as [string, string, string]

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
    replica = await deployment.start()
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

  test('a service that does not answer rings as a page', async () => {
    await replica.end('SIGKILL')
    await prometheus.untilRinging({ alertname: 'LedgerNoScrape', severity: 'page' })
  })
})
