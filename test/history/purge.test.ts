import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import {
  blocked,
  insertRecord,
  openHistory,
  OTHER_REALM,
  REALM,
  REFUSED,
  TABLES,
  versionsOf,
  type TestHistory,
} from './open-history.ts'

const REASON = 'asked for by the client, letter of 3 March'

let history: TestHistory

beforeEach(async () => {
  history = await openHistory()
  for (const realmId of [REALM, OTHER_REALM]) await fillCompany(realmId)
})

afterEach(() => history.close())

/** A company with a row in every table that speaks of it. */
async function fillCompany(realmId: string): Promise<void> {
  await history.run(
    `INSERT INTO companies (realm_id, status_changed_at, next_sync_at, created_at) VALUES ($1, now(), now(), now())`,
    [realmId],
  )
  for (const table of TABLES) {
    await insertRecord(history, table, { realm_id: realmId })
    await history.run(`UPDATE ${table} SET raw = '{"changed":1}' WHERE realm_id = $1`, [realmId])
  }
  await history.run(
    `INSERT INTO connections (realm_id, environment, updated_at) VALUES ($1, 'simulator', now())`,
    [realmId],
  )
  await history.run(`INSERT INTO sync_states (realm_id, entity) VALUES ($1, 'bill')`, [realmId])
  await history.run(
    `INSERT INTO sync_runs (realm_id, trigger, mode, status, started_at, served_request)
     VALUES ($1, 'manual', 'full', 'running', now(), 1)`,
    [realmId],
  )
  await history.run(
    `INSERT INTO sync_rejects (realm_id, entity, qbo_id, payload, code, reason, sync_run_id, first_seen_at, last_seen_at, retry_at)
     VALUES ($1, 'bill', '9', '{}', 'invalid_payload', 'no number', 1, now(), now(), now())`,
    [realmId],
  )
  await history.run(
    `INSERT INTO tombstones (realm_id, entity, qbo_id, source_updated_at, observed_at, deleted_at, sync_run_id)
     VALUES ($1, 'bill', '8', now(), now(), now(), 1)`,
    [realmId],
  )
  await history.run(
    `INSERT INTO disappearances (realm_id, entity, missing, held, since, sync_run_id)
     VALUES ($1, 'bill', 30, 40, now(), 1)`,
    [realmId],
  )
  await history.run(
    `INSERT INTO company_events (at, realm_id, kind, actor) VALUES (now(), $1, 'full_sync_requested', 'admin token')`,
    [realmId],
  )
  await history.run(
    `INSERT INTO portfolio_sums (realm_id, today, latest, sums) VALUES ($1, current_date, now(), '{}')`,
    [realmId],
  )
  await history.run(`INSERT INTO quickbooks_calls VALUES ($1, current_date, 'query', '200', 1, 1)`, [realmId])
  for (const table of ['metric_totals', 'metric_raises']) {
    await history.run(`INSERT INTO ${table} VALUES ('calls', jsonb_build_object('realm_id', $1::text), 1)`, [
      realmId,
    ])
  }
}

async function disconnect(realmId = REALM): Promise<void> {
  await history.run(`UPDATE companies SET status = 'disconnected' WHERE realm_id = $1`, [realmId])
}

/** How many rows each table holds of a company; every table with a realm_id, as the catalog knows them. */
async function rowsOfCompany(realmId: string): Promise<Record<string, number>> {
  const tables = await history.run(
    `SELECT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'realm_id'
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1`,
  )
  const counts: Record<string, number> = {}
  for (const { name } of tables) {
    const [row] = await history.run(`SELECT count(*)::int AS rows FROM ${String(name)} WHERE realm_id = $1`, [
      realmId,
    ])
    counts[String(name)] = row!.rows as number
  }
  return counts
}

const EVERYTHING = {
  ...Object.fromEntries(
    TABLES.flatMap((table) => [
      [table, 1],
      [`${table}_history`, 1],
    ]),
  ),
  companies: 1,
  company_events: 1,
  connections: 1,
  disappearances: 1,
  portfolio_sums: 1,
  purges: 0,
  quickbooks_calls: 1,
  sync_rejects: 1,
  sync_runs: 1,
  sync_states: 1,
  tombstones: 1,
}

// What happened stays, the purge among it.
const NOTHING = {
  ...Object.fromEntries(Object.keys(EVERYTHING).map((table) => [table, 0])),
  company_events: 2,
  purges: 1,
}

describe('purge_company', () => {
  test('removes everything of a disconnected company and leaves the records of what happened', async () => {
    expect(await rowsOfCompany(REALM)).toEqual(EVERYTHING)
    await disconnect()
    await history.run('SELECT purge_company($1, $2)', [REALM, REASON])
    expect(await rowsOfCompany(REALM)).toEqual(NOTHING)
    expect(await rowsOfCompany(OTHER_REALM)).toEqual(EVERYTHING)
    expect(
      await history.run(
        `SELECT detail, actor = session_user AS mine FROM company_events WHERE realm_id = $1 AND kind = 'purged'`,
        [REALM],
      ),
    ).toEqual([{ detail: { reason: REASON }, mine: true }])
    expect(
      await history.run(`SELECT labels ->> 'realm_id' AS realm, total FROM metric_totals_now()`),
    ).toEqual([{ realm: OTHER_REALM, total: 2 }])
    expect(
      await history.run(
        `SELECT realm_id, reason, purged_by = session_user AS mine, clock_timestamp() - purged_at < interval '1 hour' AS now
           FROM purges`,
      ),
    ).toEqual([{ realm_id: REALM, reason: REASON, mine: true, now: true }])
  })

  test.each(['active', 'paused', 'needs_reauth', 'unavailable'])(
    'refuses a company that is %s',
    async (status) => {
      await history.run('UPDATE companies SET status = $2 WHERE realm_id = $1', [REALM, status])
      await expect(history.run('SELECT purge_company($1, $2)', [REALM, REASON])).rejects.toThrow(
        `company ${REALM} is not disconnected`,
      )
      expect(await rowsOfCompany(REALM)).toEqual(EVERYTHING)
    },
  )

  test('refuses a company it does not know', async () => {
    await expect(history.run('SELECT purge_company($1, $2)', ['404', REASON])).rejects.toThrow(
      'not disconnected',
    )
  })

  test('wants a reason that says something', async () => {
    await disconnect()
    await expect(history.run('SELECT purge_company($1, $2)', [REALM, 'no reason'])).rejects.toMatchObject({
      code: '23514',
    })
    expect(await rowsOfCompany(REALM)).toEqual(EVERYTHING)
  })

  test('takes what a run under way has just written as well', async () => {
    await disconnect()
    const [run, purge] = [await history.connect(), await history.connect()]
    await run.run('BEGIN')
    await run.run(`SELECT id FROM sync_runs WHERE realm_id = $1 AND status = 'running' FOR SHARE`, [REALM])
    await insertRecord(run, 'bills', { qbo_id: 'late' })
    const purging = purge.run('SELECT purge_company($1, $2)', [REALM, REASON])
    await blocked(history, purge)
    await run.run('COMMIT')
    await purging
    expect(await rowsOfCompany(REALM)).toEqual(NOTHING)
  })

  test('lets the company begin anew', async () => {
    await disconnect()
    await history.run('SELECT purge_company($1, $2)', [REALM, REASON])
    await fillCompany(REALM)
    expect(await versionsOf(history, 'bills')).toHaveLength(2)
    await expect(history.run('DELETE FROM bills WHERE realm_id = $1', [REALM])).rejects.toMatchObject(REFUSED)
  })
})

describe('a row that somebody puts into purges', () => {
  const PUT = 'INSERT INTO purges (realm_id, reason) VALUES ($1, $2)'

  test('does not serve to delete a part of a company', async () => {
    await disconnect()
    const session = await history.connect()
    await session.run('BEGIN')
    await session.run(PUT, [REALM, REASON])
    await session.run('DELETE FROM bills_history WHERE realm_id = $1', [REALM])
    await expect(session.run('COMMIT')).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('a purge removes a whole company'),
    })
    expect(await rowsOfCompany(REALM)).toEqual(EVERYTHING)
  })

  test('does not open the guards of another company', async () => {
    await disconnect()
    const session = await history.connect()
    await session.run('BEGIN')
    await session.run(PUT, [REALM, REASON])
    await expect(
      session.run('DELETE FROM bills_history WHERE realm_id = $1', [OTHER_REALM]),
    ).rejects.toMatchObject(REFUSED)
    await session.run('ROLLBACK')
  })

  test('is refused for a company that is not disconnected', async () => {
    await expect(history.run(PUT, [REALM, REASON])).rejects.toThrow('not disconnected')
  })

  test('opens the guards within its own transaction alone, whichever one it names', async () => {
    await history.run(
      `INSERT INTO companies (realm_id, status, status_changed_at, next_sync_at, created_at)
       VALUES ('77', 'disconnected', now(), now(), now())`,
    )
    const [ahead] = await history.run(
      `INSERT INTO purges (realm_id, reason, purged_by, purged_at, tx_id)
       VALUES ('77', $1, 'nobody', '1999-01-01', ((pg_current_xact_id()::text)::bigint + 2)::text::xid8)
       RETURNING purged_by, purged_at > '2000-01-01' AS now, tx_id = pg_current_xact_id() AS own`,
      [REASON],
    )
    expect(ahead).toEqual({
      purged_by: expect.not.stringContaining('nobody'),
      now: true,
      own: true,
    })
    await insertRecord(history, 'bills', { realm_id: '77' })
    await expect(history.run(`DELETE FROM bills WHERE realm_id = '77'`)).rejects.toMatchObject(REFUSED)
  })

  test('cannot be a row of a table that the session made itself', async () => {
    const session = await history.connect()
    await session.run('CREATE TEMP TABLE purges (LIKE public.purges)')
    await session.run('BEGIN')
    await session.run(
      `INSERT INTO pg_temp.purges (id, realm_id, reason, purged_by, purged_at, tx_id)
       VALUES (1, $1, $2, 'me', now(), pg_current_xact_id())`,
      [REALM, REASON],
    )
    await expect(session.run('DELETE FROM bills_history WHERE realm_id = $1', [REALM])).rejects.toMatchObject(
      REFUSED,
    )
    await session.run('ROLLBACK')
  })

  test.each(['DELETE FROM purges', 'TRUNCATE purges', `UPDATE purges SET reason = 'another reason'`])(
    'stays as it is: %s is refused',
    async (statement) => {
      await disconnect()
      await history.run('SELECT purge_company($1, $2)', [REALM, REASON])
      await expect(history.run(statement)).rejects.toMatchObject(REFUSED)
      const session = await history.connect()
      await session.run('SET session_replication_role = replica')
      await expect(session.run(statement)).rejects.toMatchObject(REFUSED)
    },
  )
})
