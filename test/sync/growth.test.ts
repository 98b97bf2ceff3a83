import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { tick } from '../../src/jobs/tick.ts'
import { openHttp, type OpenHttp } from '../http/open-http.ts'
import { keptLog } from '../setup/kept-log.ts'
import {
  company,
  INTERVAL_SECONDS,
  OTHER_REALM,
  REALM,
  startMirror,
  type TestMirror,
} from '../setup/mirror.ts'

// What others left behind in a while; enough that a statement which walks it is told from one that does not.
const HISTORY = [
  `INSERT INTO companies (realm_id, status, status_changed_at, next_sync_at, created_at, last_success_at)
   SELECT (9000 + n)::text, 'active', now(), timestamptz '2026-11-02 11:00Z', now(), timestamptz '2026-11-01'
     FROM generate_series(1, 3000) n`,
  `INSERT INTO sync_runs (realm_id, trigger, mode, status, started_at, finished_at, served_request, error_code)
   SELECT (9001 + n % 3000)::text, 'schedule', 'incremental', CASE n % 40 WHEN 0 THEN 'failed' ELSE 'succeeded' END,
          started_at, started_at, 1, CASE n % 40 WHEN 0 THEN 'needs_reauth' END
     FROM generate_series(1, 60000) n, LATERAL (SELECT timestamptz '2026-11-02' - (60000 - n) * interval '1 second') AS r (started_at)`,
  `INSERT INTO quickbooks_calls
   SELECT (9001 + n % 3000)::text, date '2026-10-31' - n / 3000, 'cdc', '200', 1, 1 FROM generate_series(1, 60000) n`,
  `INSERT INTO sync_rejects (realm_id, entity, qbo_id, payload, code, reason, sync_run_id, first_seen_at, last_seen_at,
                             retry_at, resolved_at)
   SELECT (9001 + n % 3000)::text, 'bill', n::text, repeat('x', 100), 'invalid_payload', 'why', 1, now(), now(), now(), now()
     FROM generate_series(1, 60000) n`,
  'VACUUM ANALYZE',
]
// Of 8 kB. What belongs to one company, and a glance at each of the 3,000, takes less; the fill alone is more than 1,000.
const MOST_PAGES = 600

let mirror: TestMirror
let http: OpenHttp
let client: pg.Client
const sent: { sql: string; bindings: unknown[] }[] = []

beforeAll(async () => {
  mirror = await startMirror({
    companies: [company({ records: 5 }), company({ realmId: OTHER_REALM, records: 5 })],
    log: keptLog().log,
  })
  await mirror.sync()
  await mirror.sync(OTHER_REALM)
  client = new pg.Client({ connectionString: mirror.url })
  await client.connect()
  for (const sql of HISTORY) await client.query(sql)
  http = await openHttp({ database: mirror.database })
  mirror.database.knex.on('query', ({ sql, bindings }: { sql: string; bindings?: unknown[] }) =>
    sent.push({ sql, bindings: bindings ?? [] }),
  )
}, 60_000)

afterAll(async () => {
  await client.end()
  await http.close()
  await mirror.close()
})

describe('no statement walks the history of others', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['of a run that finds nothing', () => mirror.sync()],
    ['of a complete listing', () => mirror.sync(REALM, { mode: 'full' })],
    ['of runs that are refused, at the first and at the second look', () => fail('auth100', 2)],
    ['of a run that is throttled', () => fail('throttled429')],
    ['of a run whose tokens are refused', () => fail('auth120')],
    [
      'of a tick',
      async () => {
        // Whoever is due is written to, which is no history.
        await client.query(`UPDATE companies SET next_sync_at = $1`, [inFiveMinutes()])
        await tick({
          database: mirror.database,
          enqueue: () => Promise.resolve(),
          intervalSeconds: INTERVAL_SECONDS,
          monthlyCallBudget: 1_000_000,
        })
      },
    ],
    ...[
      `/admin/companies?limit=10`,
      `/admin/companies/9001`,
      `/admin/companies/9001/rejects`,
      `/admin/companies/9001/rejects?resolved=true`,
      `/admin/sync/runs`,
      `/admin/sync/runs?status=running`,
      `/admin/sync/runs?status=abandoned`,
      `/admin/sync/runs?status=succeeded&since=2026-11-03T00:00:00Z`,
      `/admin/sync/runs?since=2026-11-03T00:00:00Z`,
      `/admin/sync/runs?since=2026-10-30T00:00:00Z`,
      `/admin/sync/runs?realmId=9001&status=failed`,
      `/api/companies/${OTHER_REALM}/bills`,
    ].map((path): [string, () => Promise<unknown>] => [
      `of ${path}`,
      () => http.send('get', path).expect(200),
    ]),
  ])('%s', async (_what, work) => {
    mirror.clock.move({ minutes: 15 })
    sent.length = 0
    await work()
    const statements = sent
      .splice(0)
      .filter(({ sql }) => /^\s*(select|insert|update|delete|with)\b/i.test(sql))
    expect(statements.length).toBeGreaterThan(0)
    for (const { sql, bindings } of statements) {
      const pages = await pagesRead(sql, bindings)
      expect({ sql, reads: pages > MOST_PAGES ? pages : 'few' }).toEqual({ sql, reads: 'few' })
    }
  })
})

const inFiveMinutes = () => new Date(mirror.clock.now().getTime() + 300_000)

async function fail(kind: 'auth100' | 'auth120' | 'throttled429', times = 1): Promise<void> {
  const fault = mirror.sandbox.faults.add({ kind, realmId: OTHER_REALM })
  for (let run = 0; run < times; run += 1) {
    expect(await mirror.sync(OTHER_REALM)).toMatchObject({ kind: 'failed' })
    mirror.clock.move({ minutes: 5 })
  }
  mirror.sandbox.faults.remove(fault)
  await mirror.rows(
    `UPDATE companies SET status = 'active', not_before = NULL WHERE realm_id = '${OTHER_REALM}'`,
  )
}

interface Read {
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
}

/** How many pages of tables and indexes a statement looks at, undone afterwards. */
async function pagesRead(sql: string, bindings: unknown[]): Promise<number> {
  await client.query('BEGIN')
  try {
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Read }] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`,
      bindings,
    )
    const read = rows[0]!['QUERY PLAN'][0].Plan
    return read['Shared Hit Blocks'] + read['Shared Read Blocks']
  } finally {
    await client.query('ROLLBACK')
  }
}
