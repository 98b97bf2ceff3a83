import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { insertRecord, openHistory, TABLES, type TestHistory } from '../history/open-history.ts'
import { sqlOfHistoryPage } from './history-page.ts'

let history: TestHistory

beforeAll(async () => {
  history = await openHistory()
  for (const table of TABLES) {
    await insertRecord(history, table)
    await history.run(`UPDATE ${table} SET raw = '{"changed":1}'`)
  }
})

afterAll(() => history.close())

test('the query of the page finds every guard in place, and names each that is not', async () => {
  const query = await sqlOfHistoryPage('tgenabled')
  expect(await history.run(query)).toEqual([])
  const guards = await history.run(
    `SELECT tgrelid::regclass::text AS relation, tgname::text AS trigger FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text !~ '^(pgboss|sync_states)'`,
  )
  expect(guards.length).toBeGreaterThan(70)
  for (const { relation, trigger } of guards) {
    await history.run('BEGIN')
    await history.run(`ALTER TABLE ${String(relation)} ENABLE TRIGGER ${String(trigger)}`)
    expect(await history.run(query)).toEqual([{ relation, trigger, state: 'O' }])
    await history.run(`DROP TRIGGER ${String(trigger)} ON ${String(relation)}`)
    expect(await history.run(query)).toEqual([{ relation, trigger, state: 'missing' }])
    await history.run('ROLLBACK')
  }
})

test('its other query finds a version that went missing while a guard was off', async () => {
  const query = await sqlOfHistoryPage('previous_valid_from')
  expect(await history.run(query)).toEqual([])
  await history.run('BEGIN')
  await history.run('ALTER TABLE bills_history DISABLE TRIGGER guard_delete')
  await history.run('DELETE FROM bills_history')
  await history.run('ALTER TABLE bills_history ENABLE ALWAYS TRIGGER guard_delete')
  expect(await history.run(query)).toHaveLength(1)
  await history.run('ROLLBACK')
})
