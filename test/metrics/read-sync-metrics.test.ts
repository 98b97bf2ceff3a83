import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { systemClock } from '../../src/db/clock.ts'
import { connect } from '../../src/db/connect.ts'
import { createDatabase, type Database } from '../../src/db/database.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import type { SyncMetrics } from '../../src/metrics/sync-metrics.ts'
import { raiseTotals } from '../../src/sync/raise-totals.ts'
import { readSyncMetrics } from '../../src/sync/read-metrics.ts'
import { failureTotals, runTotals } from '../../src/sync/report.ts'
import { insertCompany, insertReject, insertState, NOW, secondsBefore } from '../http/rows.ts'
import { createTestDatabase, type TestDatabase } from '../setup/test-database.ts'
import { parseExposition } from './parse-exposition.ts'
import { keptLog } from '../setup/kept-log.ts'

let testDatabase: TestDatabase
let knex: Knex
let database: Database
const statements: string[] = []

beforeAll(async () => {
  testDatabase = await createTestDatabase()
  knex = connect({
    url: testDatabase.url,
    tls: 'off',
    poolMax: 3,
    applicationName: 'test',
    statementTimeoutMs: 20_000,
  })
  database = createDatabase(knex, { ...systemClock(), now: () => NOW })
  await insertCompany(knex, '100', { last_success_at: secondsBefore(30), created_at: secondsBefore(5000) })
  await insertState(knex, '100', 'bill', { watermark: secondsBefore(90.5) })
  await insertState(knex, '100', 'invoice', { watermark: null })
  await insertReject(knex, '100', { qbo_id: '1' })
  await insertReject(knex, '100', { qbo_id: '2' })
  await insertReject(knex, '100', { qbo_id: '3', resolved_at: secondsBefore(10) })
  await insertCompany(knex, '200', { status: 'needs_reauth', created_at: secondsBefore(700) })
  for (const [realmId, status] of [
    ['300', 'paused'],
    ['400', 'disconnected'],
  ] as const) {
    await insertCompany(knex, realmId, { status, last_success_at: secondsBefore(40) })
    await insertState(knex, realmId, 'bill', { watermark: secondsBefore(90) })
    await insertReject(knex, realmId)
  }
  await knex('service_state').update({ last_tick_at: secondsBefore(12) })
  await database.transaction((tx) =>
    raiseTotals(tx, [
      ...runTotals({ trigger: 'schedule', startedAt: secondsBefore(2) }, 'succeeded', NOW),
      ...runTotals({ trigger: 'schedule', startedAt: secondsBefore(7200) }, 'failed', NOW),
      ...failureTotals('100', 'unavailable'),
    ]),
  )
  knex.on('query', ({ sql }: { sql: string }) => statements.push(sql))
})

afterAll(async () => {
  await knex.destroy()
  await testDatabase.drop()
})

async function scrape(perCompany = true): Promise<Record<string, number>> {
  const metrics = createMetrics({
    perCompany,
    monthlyCallBudget: 5000,
    version: 'test',
    readSync: () => readSyncMetrics(database, { perCompany, intervalSeconds: 900 }),
    readQueues: async () => [],
    collectorTimeoutMs: 30_000,
    log: keptLog().log,
  })
  return Object.fromEntries(parseExposition(await metrics.render()).series)
}

describe('the sync metrics', () => {
  test('lag is now minus the watermark, and counts from the registration where there is none', async () => {
    expect(await scrape()).toMatchObject({
      'ledger_sync_lag_seconds{realm_id="100",entity="bill"}': 90.5,
      'ledger_sync_lag_seconds{realm_id="100",entity="invoice"}': 5000,
      'ledger_sync_lag_seconds{realm_id="100",entity="vendor"}': 5000,
      'ledger_sync_lag_seconds{realm_id="200",entity="balance"}': 700,
      'ledger_sync_watermark_timestamp_seconds{realm_id="100",entity="bill"}': NOW.getTime() / 1000 - 90.5,
      'ledger_sync_last_success_timestamp_seconds{realm_id="100"}': NOW.getTime() / 1000 - 30,
      ledger_scheduler_last_tick_timestamp_seconds: NOW.getTime() / 1000 - 12,
    })
  })

  test('paused and disconnected companies are counted and have no series of their own', async () => {
    const series = await scrape()
    // But for their names.
    expect(Object.keys(series).filter((key) => /realm_id="(300|400)"/.test(key))).toEqual([
      'ledger_company_info{realm_id="300",name="Company 300",status="paused"}',
      'ledger_company_info{realm_id="400",name="Company 400",status="disconnected"}',
    ])
    expect(series).toMatchObject({
      'ledger_companies{status="active"}': 1,
      'ledger_companies{status="needs_reauth"}': 1,
      'ledger_companies{status="paused"}': 1,
      'ledger_companies{status="disconnected"}': 1,
      'ledger_companies{status="unavailable"}': 0,
    })
  })

  test('a connection tells when it ends unused, also of a paused company, unless it has ended already', async () => {
    for (const realmId of ['100', '200', '300', '400']) {
      await knex('connections').insert({
        realm_id: realmId,
        environment: 'simulator',
        refresh_token_expires_at: realmId === '100' ? null : secondsBefore(-86_400),
        updated_at: NOW,
      })
    }
    const ends = Object.entries(await scrape()).filter(([key]) => key.startsWith('ledger_connection_expires'))
    expect(ends).toEqual([
      ['ledger_connection_expires_timestamp_seconds{realm_id="300"}', NOW.getTime() / 1000 + 86_400],
    ])
    await knex('connections').delete()
  })

  test('a company is late by what was promised for it, else by a third over the interval', async () => {
    const late = async () => {
      const series = await scrape()
      return ['100', '200'].map((realmId) => series[`ledger_company_late{realm_id="${realmId}"}`])
    }
    // One list was never read since the registration 5,000 s ago; the other company is registered for 700 s.
    expect(await late()).toEqual([1, 0])
    await knex('companies').where({ realm_id: '100' }).update({ max_lag_minutes: 1_000_000 })
    await knex('companies').where({ realm_id: '200' }).update({ max_lag_minutes: 1 })
    expect(await late()).toEqual([0, 1])
    await knex('companies').update({ max_lag_minutes: null })
  })

  test('a stop of all calls is told by its reason, and the calls of the month beside the budget', async () => {
    expect(await scrape()).toMatchObject({
      'ledger_service_stopped{code="budget_spent"}': 0,
      'ledger_service_stopped{code="app_misconfigured"}': 0,
      ledger_quickbooks_calls_budget: 5000,
    })
    const paused = { calls_paused_until: NOW, calls_paused_code: 'app_misconfigured' }
    await knex('service_state').update(paused)
    expect(await scrape()).toMatchObject({ 'ledger_service_stopped{code="app_misconfigured"}': 0 })
    await knex('service_state').update({ stopped_since: NOW })
    expect(await scrape()).toMatchObject({
      'ledger_service_stopped{code="budget_spent"}': 0,
      'ledger_service_stopped{code="app_misconfigured"}': 1,
    })
    await knex('service_state').update({
      calls_paused_until: null,
      calls_paused_code: null,
      stopped_since: null,
    })
  })

  test('rejects are those that are still open', async () => {
    expect(await scrape()).toMatchObject({
      'ledger_sync_rejects{realm_id="100"}': 2,
      'ledger_sync_rejects{realm_id="200"}': 0,
    })
  })

  test('what finished runs raised is what a scrape tells', async () => {
    const name = 'ledger_sync_run_duration_seconds'
    expect(await scrape()).toMatchObject({
      'ledger_sync_runs_total{trigger="schedule",status="succeeded"}': 1,
      'ledger_sync_runs_total{trigger="schedule",status="failed"}': 1,
      'ledger_sync_failures_total{code="unavailable"}': 1,
      'ledger_company_sync_failures_total{realm_id="100",code="unavailable"}': 1,
      [`${name}_bucket{le="1"}`]: 0,
      [`${name}_bucket{le="2.5"}`]: 1,
      [`${name}_bucket{le="3600"}`]: 1,
      [`${name}_bucket{le="+Inf"}`]: 2,
      [`${name}_sum`]: 7202,
      [`${name}_count`]: 2,
    })
  })

  test('without metrics by company, none is read', async () => {
    statements.length = 0
    const read: SyncMetrics = await readSyncMetrics(database, { perCompany: false, intervalSeconds: 900 })
    expect(statements.filter((sql) => /sync_states|sync_rejects/.test(sql))).toEqual([])
    expect(read.companies).toEqual([])
    expect(read.freshness).toEqual([])
    expect(JSON.stringify(read.totals)).not.toContain('realm_id')
    expect(await scrape(false)).toHaveProperty(['ledger_sync_failures_total{code="unavailable"}'], 1)
  })
})
