import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { readChanges } from '../../src/books/changes/read-changes.ts'
import { readList } from '../../src/books/read-list.ts'
import { connect } from '../../src/db/connect.ts'
import { createDatabase, type Database } from '../../src/db/database.ts'
import { pendingMigrations } from '../../src/db/migrate.ts'
import { ENTITIES } from '../../src/domain/entity.ts'
import { MIRRORED_TABLES } from '../../src/models/mirrored-tables.ts'
import { runCompany } from '../../src/sync/run-company.ts'
import { listOf, postgresNow } from '../books/questions.ts'
import { removePostgres, startCluster, type TestPostgres } from '../setup/start-postgres.ts'
import { withDatabase } from '../setup/test-database.ts'
import { INTERVAL_SECONDS, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'

const run = promisify(execFile)
const TABLES = ENTITIES.map((entity) => MIRRORED_TABLES[entity].table)

const isPossible = dumpsVersion() >= Number(process.env['TEST_POSTGRES_VERSION'])
if (!isPossible) {
  process.stderr.write(
    'Left out: the restore of a backup, since no pg_dump of the version of the server is there.\n',
  )
}

/** The major version of the pg_dump that is there, 0 without one: it reads no newer server. */
function dumpsVersion(): number {
  try {
    return Number(/\d+/.exec(execFileSync('pg_dump', ['--version'], { encoding: 'utf8' }))?.[0])
  } catch {
    return 0
  }
}

const whenPossible = isPossible ? describe : describe.skip

whenPossible('a backup restored as the manual says, into another cluster', () => {
  let mirror: TestMirror
  let other: TestPostgres
  let folder: string
  let knex: Knex
  let restored: Database
  let asOf: string

  beforeAll(async () => {
    mirror = await startMirror()
    // The numbers of an old cluster's transactions are far above those of the one that takes over.
    await mirror.rows(
      'DO $$ BEGIN FOR number IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$',
    )
    const books = mirror.sandbox.books(REALM)
    await mirror.sync()
    asOf = await postgresNow(mirror)
    const [bill] = books.records('Bill')
    books.editBill(bill!.Id, { amount: '98765.10' })
    await mirror.sync()
    folder = await mkdtemp(join(tmpdir(), 'ledger-mirror-restore-'))
    other = await startCluster()
    const dump = join(folder, 'ledger.dump')
    await run('pg_dump', ['--format=custom', `--file=${dump}`, mirror.url])
    const url = withDatabase(other.postgres.url, 'restored')
    await run('psql', ['--command=CREATE DATABASE restored', other.postgres.url])
    await run('pg_restore', ['--no-owner', '--exit-on-error', `--dbname=${url}`, dump])
    knex = connect({
      ...{ url, tls: 'off', poolMax: 5, applicationName: 'restored', statementTimeoutMs: 20_000 },
    })
    restored = createDatabase(knex, mirror.clock)
  })

  afterAll(async () => {
    await knex?.destroy()
    if (other) await removePostgres(other)
    if (folder) await rm(folder, { recursive: true, force: true })
    await mirror.close()
  })

  test('holds every version, and lacks no migration', async () => {
    expect(await pendingMigrations(knex)).toEqual([])
    for (const table of TABLES.flatMap((name) => [name, `${name}_history`])) {
      const all = `SELECT t.*, t.tx_id::text AS tx_id FROM ${table} t ORDER BY realm_id, qbo_id, valid_from`
      const { rows } = await knex.raw<{ rows: unknown[] }>(all)
      expect(rows).toEqual(await mirror.rows(all))
    }
  })

  test('shows a moment of before as it was', async () => {
    const question = listOf('bill', { moment: { asOf, sourceAsOf: null } })
    const from = (database: Database) => readList({ database, intervalSeconds: INTERVAL_SECONDS }, question)
    const { data } = await from(restored)
    expect(data.map(({ totalAmount }) => totalAmount)).not.toContain('98765.1')
    expect(data).toEqual((await from(mirror.database)).data)
  })

  test('guards its history as before', async () => {
    await expect(knex.raw('DELETE FROM bills_history')).rejects.toThrow(/history/)
    await expect(knex.raw('DELETE FROM bills')).rejects.toThrow(/bills/)
  })

  test('goes on from its watermarks, and the feed shows what came after beside all from before', async () => {
    const before = await feed()
    expect(before).toHaveLength(await countVersions())
    const [bill] = mirror.sandbox.books(REALM).records('Bill')
    mirror.clock.move({ minutes: 15 })
    mirror.sandbox.books(REALM).editBill(bill!.Id, { amount: '98999' })
    await knex('companies').increment('requested_seq')
    const process = mirror.startProcess({ database: restored })
    try {
      const outcome = await runCompany(process.options, REALM, new AbortController().signal)
      expect(outcome).toMatchObject({ status: 'succeeded' })
    } finally {
      process.close()
    }
    const { rows } = await knex.raw<{ rows: object[] }>(
      `SELECT total_amount, valid_to FROM bills_versions WHERE qbo_id = ? ORDER BY valid_from`,
      [bill!.Id],
    )
    expect(rows.slice(-2)).toMatchObject([
      { total_amount: '98765.1' },
      { total_amount: '98999', valid_to: null },
    ])
    const after = await feed()
    expect(after.slice(0, before.length)).toEqual(before)
    expect(after.slice(before.length)).toContainEqual(['bill', bill!.Id, 'edited'])
  })

  async function countVersions(): Promise<number> {
    const counts = TABLES.map(
      (table) => `(SELECT count(*) FROM ${table}) + (SELECT count(*) FROM ${table}_history)`,
    )
    const { rows } = await knex.raw<{ rows: { versions: number }[] }>(
      `SELECT CAST(${counts.join(' + ')} AS integer) AS versions`,
    )
    return rows[0]!.versions
  }

  /** Every change of the restored database, read through in small pages. */
  async function feed(): Promise<string[][]> {
    const changes: string[][] = []
    let page: Awaited<ReturnType<typeof readChanges>> = { changes: [], reached: null, hasMore: true }
    while (page.hasMore) {
      page = await readChanges(restored, {
        range: { realmId: null, entities: ENTITIES, order: 'asc', since: null, until: null },
        filter: { change: null, counterparty: null, minAmount: null, syncRunId: null },
        after: page.reached,
        limit: 3,
      })
      changes.push(...page.changes.map(({ entity, qboId, change }) => [entity, qboId, change]))
    }
    return changes
  }
})
