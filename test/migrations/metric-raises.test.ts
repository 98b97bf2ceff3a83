import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { rowsOf } from '../../src/db/database.ts'
import { MIGRATION_SETTINGS, migrateToLatest } from '../../src/db/migrate.ts'
import { createEmptyDatabase, type TestDatabase } from '../setup/test-database.ts'
import { openKnex } from '../setup/open-knex.ts'

const MIGRATION = '20261123000400_metric_raises.ts'
const REALM = '4620816300000000401'

let database: TestDatabase
let knex: Knex

beforeEach(async () => {
  database = await createEmptyDatabase()
  knex = openKnex(database.url, { poolMax: 3 })
  await migrateToLatest(knex)
  await downTo(MIGRATION)
  await knex.migrate.down(MIGRATION_SETTINGS)
})

afterEach(async () => {
  await knex.destroy()
  await database.drop()
})

/** Takes back every migration after the given one. */
async function downTo(name: string): Promise<void> {
  while ((await newest()) !== name) await knex.migrate.down(MIGRATION_SETTINGS)
}

async function newest(): Promise<string> {
  const [row] = await rowsOf<{ name: string }>(
    knex,
    'SELECT name FROM knex_migrations ORDER BY id DESC LIMIT 1',
  )
  return row!.name
}

async function raiseInTotals(metric: string, labels: object, by: number): Promise<void> {
  await knex.raw(
    `INSERT INTO metric_totals AS t (metric, labels, total) VALUES (?, ?, ?)
     ON CONFLICT (metric, labels) DO UPDATE SET total = t.total + excluded.total`,
    [metric, JSON.stringify(labels), by],
  )
}

async function purge(): Promise<void> {
  await knex.raw(
    `INSERT INTO companies (realm_id, status, status_changed_at, next_sync_at, created_at)
     VALUES (?, 'disconnected', now(), now(), now())`,
    [REALM],
  )
  await knex.raw('SELECT purge_company(?, ?)', [REALM, 'asked for by the client'])
}

const totals = (from: string) =>
  rowsOf(knex, `SELECT metric, labels, total FROM ${from} ORDER BY metric, labels`)

describe('a database of 0.1.0', () => {
  test('keeps its totals when the raises come', async () => {
    await raiseInTotals('runs', {}, 3)
    await knex.migrate.up(MIGRATION_SETTINGS)
    await raiseInTotals('runs', {}, 4)
    expect(await totals('metric_totals')).toEqual([{ metric: 'runs', labels: {}, total: 7 }])
    expect(await totals('metric_totals_now()')).toEqual(await totals('metric_totals'))
  })

  test('keeps every raise when they go again', async () => {
    await raiseInTotals('runs', {}, 3)
    await knex.migrate.up(MIGRATION_SETTINGS)
    await knex.raw(
      `INSERT INTO metric_raises VALUES ('runs', '{}', 4), ('runs', '{}', 8), ('calls', '{"realm_id": "1"}', 1)`,
    )
    const before = await totals('metric_totals_now()')
    await knex.migrate.down(MIGRATION_SETTINGS)
    expect(await totals('metric_totals')).toEqual(before)
    expect(before).toEqual([
      { metric: 'calls', labels: { realm_id: '1' }, total: 1 },
      { metric: 'runs', labels: {}, total: 15 },
    ])
  })

  test('can be purged of a company before, with and after the raises', async () => {
    const raise = () => raiseInTotals('calls', { realm_id: REALM }, 1)
    await raise()
    await purge()
    expect(await totals('metric_totals')).toEqual([])
    await knex.migrate.up(MIGRATION_SETTINGS)
    await raise()
    await knex.raw(`INSERT INTO metric_raises VALUES ('calls', jsonb_build_object('realm_id', ?::text), 1)`, [
      REALM,
    ])
    await purge()
    expect(await totals('metric_totals_now()')).toEqual([])
    await knex.migrate.down(MIGRATION_SETTINGS)
    await raise()
    await purge()
    expect(await totals('metric_totals')).toEqual([])
  })
})
