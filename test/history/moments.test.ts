import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  blocked,
  insertRecord,
  openHistory,
  REALM,
  REFUSED,
  TABLES,
  versionsOf,
  type TestHistory,
  type TestSession,
} from './open-history.ts'

let history: TestHistory

beforeAll(async () => {
  history = await openHistory()
})

afterAll(() => history.close())

/** As a page is: in one statement, and what is there already replaced. */
const PAGE = `
  INSERT INTO bills (realm_id, qbo_id, txn_date, total_amount, balance, source_updated_at, source_valid_from,
                     observed_at, last_synced_at, content_hash, mapping_version, sync_run_id, raw)
  SELECT $1, n::text, '2026-10-01', $2::int, 1, now(), now(), now(), now(), 'a', 1, 1, '{}'
    FROM generate_series($3::int, $4::int) AS n
  ON CONFLICT (realm_id, qbo_id) DO UPDATE SET total_amount = excluded.total_amount`

async function inTransaction(work: (session: TestSession) => Promise<void>): Promise<TestSession> {
  const session = await history.connect()
  await session.run('BEGIN')
  await work(session)
  await session.run('COMMIT')
  return session
}

/** What a reader as of a moment counts, by the amount that each round wrote. */
async function asOf(realmId: string, moment: unknown): Promise<unknown[]> {
  return history.run(
    `SELECT total_amount::int AS amount, deleted_at IS NOT NULL AS gone, count(*)::int AS bills FROM bills_versions
      WHERE realm_id = $1 AND valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2) GROUP BY 1, 2 ORDER BY 1, 2`,
    [realmId, moment],
  )
}

async function beginnings(realmId: string): Promise<unknown[]> {
  const rows = await history.run(
    `SELECT DISTINCT valid_from::text AS moment FROM bills_versions WHERE realm_id = $1 ORDER BY 1`,
    [realmId],
  )
  return rows.map(({ moment }) => moment)
}

describe('what one transaction writes', () => {
  test('begins at one moment, and ends at one what it replaces: no moment shows half of a page', async () => {
    const realm = '11'
    await inTransaction(async (session) => {
      await session.run(PAGE, [realm, 1, 1, 400])
      await session.run(PAGE, [realm, 1, 401, 1000])
    })
    await inTransaction(async (session) => {
      await session.run(PAGE, [realm, 2, 1, 300])
      await session.run(PAGE, [realm, 2, 301, 700])
      await session.run(`UPDATE bills SET total_amount = 2 WHERE realm_id = $1 AND total_amount = 1`, [realm])
      await session.run(PAGE, [realm, 2, 1001, 1100])
    })
    const moments = await beginnings(realm)
    expect(moments).toHaveLength(2)
    const [first, second] = moments
    expect(
      await history.run(`SELECT DISTINCT valid_to::text AS ended FROM bills_history WHERE realm_id = $1`, [
        realm,
      ]),
    ).toEqual([{ ended: second }])
    const live = { gone: false }
    expect(await asOf(realm, first)).toEqual([{ amount: 1, ...live, bills: 1000 }])
    const [just] = await history.run(`SELECT ($1::timestamptz - interval '1 microsecond')::text AS before`, [
      second,
    ])
    expect(await asOf(realm, just!.before)).toEqual([{ amount: 1, ...live, bills: 1000 }])
    expect(await asOf(realm, second)).toEqual([{ amount: 2, ...live, bills: 1100 }])
  })

  test('begins when it first writes, which is after others can see that it runs', async () => {
    const realm = '12'
    const slow = await history.connect()
    await slow.run('BEGIN')
    await slow.run('SELECT 1')
    const [seen] = await history.run(
      `SELECT clock_timestamp()::text AS moment, pg_snapshot_xmax(pg_current_snapshot())::text AS next`,
    )
    await slow.run(PAGE, [realm, 1, 1, 2])
    const [own] = await slow.run(`SELECT pg_current_xact_id() >= $1::xid8 AS later`, [seen!.next])
    await slow.run('COMMIT')
    expect(own).toEqual({ later: true })
    expect(
      await history.run(`SELECT bool_and(valid_from > $2) AS later FROM bills WHERE realm_id = $1`, [
        realm,
        seen!.moment,
      ]),
    ).toEqual([{ later: true }])
  })

  test('shows a record as deleted from the moment on at which the rest of the page begins', async () => {
    const realm = '13'
    await inTransaction(async (session) => void (await session.run(PAGE, [realm, 1, 1, 3])))
    await inTransaction(async (session) => {
      await session.run(PAGE, [realm, 2, 1, 2])
      // The process says when it learned of it, by a clock that is not the one of Postgres.
      await session.run(
        `UPDATE bills SET deleted_at = '2030-01-01' WHERE realm_id = $1 AND qbo_id = '3' AND deleted_at IS NULL`,
        [realm],
      )
    })
    const [first, second, ...more] = await beginnings(realm)
    expect(more).toEqual([])
    expect(await asOf(realm, first)).toEqual([{ amount: 1, gone: false, bills: 3 }])
    expect(await asOf(realm, second)).toEqual([
      { amount: 1, gone: true, bills: 1 },
      { amount: 2, gone: false, bills: 2 },
    ])
  })

  test('has no version of what it replaced of its own: nobody could ever see it', async () => {
    const realm = '14'
    await inTransaction(async (session) => {
      await session.run(PAGE, [realm, 1, 1, 1])
      await session.run(PAGE, [realm, 2, 1, 1])
    })
    await inTransaction(async (session) => {
      await session.run(PAGE, [realm, 3, 1, 1])
      await session.run(PAGE, [realm, 4, 1, 1])
      await session.run('SAVEPOINT undone')
      await session.run(PAGE, [realm, 5, 1, 1])
      await session.run('ROLLBACK TO undone')
      await session.run(PAGE, [realm, 6, 1, 1])
    })
    const versions = (await versionsOf(history, 'bills', realm)).map(({ total_amount }) => total_amount)
    expect(versions).toEqual([2, 6])
    expect(await beginnings(realm)).toHaveLength(2)
  })

  test('begins after what another transaction committed of the same record meanwhile', async () => {
    const realm = '15'
    await inTransaction(async (session) => void (await session.run(PAGE, [realm, 1, 1, 2])))
    const [first, second] = [await history.connect(), await history.connect()]
    await second.run('BEGIN')
    await second.run(PAGE, [realm, 2, 2, 2])
    await first.run('BEGIN')
    await first.run(PAGE, [realm, 3, 1, 1])
    const waiting = second.run(PAGE, [realm, 4, 1, 1])
    await blocked(history, second)
    await first.run('COMMIT')
    await waiting
    await second.run('COMMIT')
    const periods = await history.run(
      `SELECT total_amount::int AS amount, valid_to > valid_from AS forward,
              valid_to = lead(valid_from) OVER (ORDER BY valid_from) AS joined
         FROM bills_versions WHERE realm_id = $1 AND qbo_id = '1' ORDER BY valid_from`,
      [realm],
    )
    expect(periods).toEqual([
      { amount: 1, forward: true, joined: true },
      { amount: 3, forward: true, joined: true },
      { amount: 4, forward: null, joined: null },
    ])
  })

  test('is dated the same whatever the session shows times in', async () => {
    const realm = '16'
    const session = await history.connect()
    await session.run(`SET DateStyle = 'SQL, DMY'`)
    await session.run(`SET TimeZone = 'America/St_Johns'`)
    await session.run(PAGE, [realm, 1, 1, 1])
    await session.run(PAGE, [realm, 2, 1, 1])
    expect(
      await history.run(
        `SELECT bool_and(now() - valid_from < interval '1 minute') AS now FROM bills_versions WHERE realm_id = $1`,
        [realm],
      ),
    ).toEqual([{ now: true }])
  })
})

describe('the moment of a transaction', () => {
  test.each(TABLES)('is taken for %s', async (table) => {
    const session = await inTransaction(async (own) => {
      await insertRecord(own, table, { qbo_id: 'a' })
      await insertRecord(own, table, { qbo_id: 'b' })
      await insertRecord(own, 'vendors', { qbo_id: `beside ${table}` })
    })
    expect(
      await session.run(
        `SELECT count(DISTINCT valid_from)::int AS moments
           FROM (SELECT valid_from FROM ${table} WHERE qbo_id IN ('a', 'b')
                 UNION ALL SELECT valid_from FROM vendors WHERE qbo_id = $1) AS written`,
        [`beside ${table}`],
      ),
    ).toEqual([{ moments: 1 }])
  })

  test('cannot be chosen: neither in the setting that hands it on, nor in the table that holds it', async () => {
    const forge = `set_config('ledger_mirror.moment', '1999-01-01T00:00:00Z', true)`
    await insertRecord(history, 'bills', { qbo_id: 'dated' })
    const insert = `INSERT INTO bills (realm_id, qbo_id, txn_date, total_amount, balance, source_updated_at,
        source_valid_from, observed_at, last_synced_at, content_hash, mapping_version, sync_run_id, raw)
      SELECT '${REALM}', 'forged' || n, '2026-10-01', 1, 1, now(), now(), now(), now(), 'a', 1, 1,
             jsonb_build_object('n', CASE n WHEN 1 THEN ${forge} ELSE set_config('ledger_mirror.moment', kept, true) END)
        FROM generate_series(1, 2) n, (SELECT current_setting('ledger_mirror.moment', true)) AS k (kept)`
    const update = `UPDATE bills SET private_note = ${forge} WHERE qbo_id = 'dated'`
    const session = await history.connect()
    for (const statement of [insert, update]) {
      await session.run('BEGIN')
      await session.run(PAGE, ['17', 1, 1, 1])
      await expect(session.run(statement)).rejects.toMatchObject(REFUSED)
      await session.run('ROLLBACK')
    }
    await session.run(`SET ledger_mirror.moment = '1999-01-01T00:00:00Z'`)
    await session.run(PAGE, ['18', 1, 1, 1])
    await session.run(PAGE, ['18', 2, 1, 1])
    expect(JSON.stringify(await versionsOf(history, 'bills', '18'))).not.toContain('1999')
  })

  test.each([
    'DELETE FROM transaction_moments WHERE tx_id = pg_current_xact_id()',
    `UPDATE transaction_moments SET moment = '1999-01-01'`,
    'TRUNCATE transaction_moments',
  ])('stays as it is: %s is refused', async (statement) => {
    const session = await history.connect()
    await session.run('BEGIN')
    await session.run(`INSERT INTO transaction_moments VALUES ('1', '1999-01-01')`)
    await session.run('SAVEPOINT begun')
    expect(
      await session.run(
        `SELECT moment > '2000-01-01' AS now FROM transaction_moments WHERE tx_id = pg_current_xact_id()`,
      ),
    ).toEqual([{ now: true }])
    await expect(session.run(statement)).rejects.toMatchObject(REFUSED)
    await session.run('ROLLBACK')
  })

  test('is forgotten some time after the transaction: the table does not grow', async () => {
    for (let n = 0; n < 200; n += 1) await history.run(PAGE, ['19', n, 1, 1])
    const [kept] = await history.run('SELECT count(*)::int AS rows FROM transaction_moments')
    expect(Number(kept!.rows)).toBeLessThan(130)
  })
})
