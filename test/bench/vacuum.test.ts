import { expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { fillReads } from '../../bench/fill-reads.ts'
import { systemClock } from '../../src/db/clock.ts'
import { createDatabase, rowsOf } from '../../src/db/database.ts'
import { openKnex } from '../setup/open-knex.ts'
import { createTestDatabase } from '../setup/test-database.ts'

test('what was filled beside a session that looks back is visible to all in the end', async () => {
  const { url, drop } = await createTestDatabase()
  const [knex, elsewhere] = [openKnex(url), openKnex(url)]
  const looking = await elsewhere.transaction({ isolationLevel: 'repeatable read' })
  await looking.raw('SELECT realm_id FROM companies')
  const filling = fillReads(createDatabase(knex, systemClock()), { companies: 1, documentsEach: 200 })
  await untilVacuumed(looking)
  await looking.rollback()
  await filling
  expect(
    await rowsOf(
      knex,
      `SELECT relpages > 0 AND relallvisible = relpages AS settled FROM pg_class WHERE relname = 'bills'`,
    ),
  ).toEqual([{ settled: true }])
  await Promise.all([knex.destroy(), elsewhere.destroy()])
  await drop()
})

async function untilVacuumed(trx: Knex): Promise<void> {
  for (;;) {
    // Within a transaction Postgres shows its counters as they were when first asked.
    await trx.raw('SELECT pg_stat_clear_snapshot()')
    const [row] = await rowsOf<{ times: number }>(
      trx,
      `SELECT CAST(pg_stat_get_vacuum_count(CAST('bills' AS regclass)) AS integer) AS times`,
    )
    if (row!.times > 0) return
  }
}
