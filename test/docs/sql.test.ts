import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { grantReader } from '../../src/db/grant-reader.ts'
import { rowsOf } from '../../src/db/database.ts'
import { insertBill, insertInvoice, insertReject, insertRun, insertSyncedCompany } from '../http/rows.ts'
import { createTestDatabase, type TestDatabase } from '../setup/test-database.ts'
import { openKnex } from '../setup/open-knex.ts'

let database: TestDatabase
let owner: Knex
let reader: Knex
let role: string

const page = await readFile(new URL('../../docs/sql.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/^```sql\n(.*?)^```$/gms)].map((match) => match[1]!)

/** A mirror in which every recipe finds something, read by a role that has what the page says and no more. */
beforeAll(async () => {
  database = await createTestDatabase()
  role = `reader_of_${new URL(database.url).pathname.slice(1)}`
  owner = open(database.url)
  await insertSyncedCompany(owner, '1001')
  await insertBill(owner, '1001', '1')
  await insertInvoice(owner, '1001', '1', { balance: '70' })
  await insertReject(owner, '1001', { qbo_id: '2' })
  const run = await insertRun(owner, '1001')
  await insertRun(owner, '1001', {
    status: 'failed',
    started_at: owner.raw('now()'),
    error_code: 'unavailable',
  })
  await owner('bills').update({ total_amount: '200', balance: '150', sync_run_id: run })
  await owner.raw(`CREATE ROLE ${role} LOGIN PASSWORD 'of-a-test'`)
  await grantReader(owner, role)
  const url = new URL(database.url)
  url.username = role
  url.password = 'of-a-test'
  reader = open(url.toString())
})

afterAll(async () => {
  await reader.destroy()
  await owner.raw(`DROP OWNED BY ${role}`)
  await owner.raw(`DROP ROLE ${role}`)
  await owner.destroy()
  await database.drop()
})

function open(url: string): Knex {
  return openKnex(url)
}

describe('docs/sql.md', () => {
  test('has a recipe for each question', () => {
    expect(blocks.length).toBeGreaterThan(9)
  })

  test.each(blocks)('a reader can run %s', async (sql) => {
    await rowsOf(reader, sql)
    // The page's moments are before anything here was held.
    const now = sql.replaceAll(/TIMESTAMPTZ '[^']*'/g, 'now()')
    expect(await rowsOf(reader, now)).not.toEqual([])
  })
})
