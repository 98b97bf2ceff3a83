import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { createTestDatabase, type TestDatabase } from '../setup/test-database.ts'
import { openDeployment, smallCompany, type Deployment, type Replica } from './deployment.ts'
import { openKnex } from '../setup/open-knex.ts'

const COMPANY = smallCompany(1, 60)
const REALM = COMPANY.realmId

/** What a server, a database or a role may be set to for the sake of somebody else. */
const SETTINGS = [
  'search_path = other',
  `DateStyle = 'German, DMY'`,
  `IntervalStyle = 'sql_standard'`,
  `TimeZone = 'Pacific/Kiritimati'`,
  `bytea_output = 'escape'`,
  'extra_float_digits = -15',
  'standard_conforming_strings = off',
  'array_nulls = off',
  'transform_null_equals = on',
  `default_transaction_isolation = 'serializable'`,
  'statement_timeout = 7',
  'lock_timeout = 7',
  'idle_session_timeout = 7',
]

let database: TestDatabase
let deployment: Deployment

beforeEach(async () => {
  database = await createTestDatabase()
  for (const setting of SETTINGS) await alterDatabase(`SET ${setting}`)
  deployment = await openDeployment({ databaseUrl: database.url, companies: [COMPANY] })
})

afterEach(async () => {
  await deployment.close()
  await database.drop()
})

async function alterDatabase(change: string): Promise<void> {
  const knex = openKnex(database.url)
  await knex.raw(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} ${change}`)
  await knex.destroy()
}

const LISTS = ['bills', 'invoices', 'balances'].map(
  (list) => `/api/companies/${REALM}/${list}?limit=1000&includeDeleted=true`,
)
// These say what is in the mirror, and not how long ago.
const METRICS =
  /^ledger_(?:sync_watermark_timestamp_seconds|sync_last_success|sync_records_total|sync_runs_total|companies|quickbooks_(?:requests|metered_calls)_total)\b.*/gm

/** All that can be read of the company. */
async function readings(replica: Replica): Promise<unknown[]> {
  const lists = await Promise.all(
    LISTS.map(
      async (path) => (JSON.parse((await replica.request('GET', path)).text) as { data: unknown }).data,
    ),
  )
  const metrics = (await replica.request('GET', '/metrics')).text.match(METRICS)
  const runs = JSON.parse((await replica.request('GET', '/admin/sync/runs')).text) as unknown
  return [...lists, metrics, runs]
}

test('a database that is set to other ways gives the same mirror, answers and metrics as a plain one', async () => {
  expect(await deployment.migrate()).toMatchObject({ exitCode: 0, stderr: '' })
  await deployment.registerCompanies()
  const hostile = await deployment.start()
  const asked = await hostile.request('POST', `/admin/sync/${REALM}?wait=25`, { body: { mode: 'full' } })
  expect(JSON.parse(asked.text)).toMatchObject({ run: { status: 'succeeded', error: null } })
  expect(await dumpMirror(deployment, REALM)).toEqual(expectedMirror(deployment, REALM))
  const read = await readings(hostile)
  expect(read[0]).not.toEqual([])
  expect(read[3]).not.toBeNull()
  expect(hostile.output()).not.toContain('"level":"error"')
  expect(await hostile.end('SIGTERM')).toBe(0)

  await alterDatabase('RESET ALL')
  const plain = await deployment.start({ ROLES: 'web' })
  expect(await readings(plain)).toEqual(read)
})
