import { expect } from '@jest/globals'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { REALM, type TestMirror } from '../setup/mirror.ts'

export const MIRRORED = ['vendors', 'customers', 'balances', 'bills', 'invoices'] as const

/** What holds at any time, whatever happened: to be asked after every test. */
export async function expectSound(mirror: Pick<TestMirror, 'rows' | 'sandbox'>): Promise<void> {
  for (const table of MIRRORED) expect(await tornPeriods(mirror, table)).toEqual([])
  expect(await mirror.rows(`SELECT id, realm_id FROM sync_runs WHERE status = 'running'`)).toEqual([])
  expect(mirror.sandbox.writes()).toEqual([])
}

/** What holds once the mirror has caught up: it equals the books, and one more run costs one call and writes nothing. */
export async function expectAtRest(mirror: TestMirror, realmId = REALM, homeCurrency = 'USD'): Promise<void> {
  expect(await dumpMirror(mirror, realmId)).toEqual(expectedMirror(mirror, realmId, homeCurrency))
  const before = await everyRow(mirror, realmId)
  mirror.clock.move({ minutes: 15 })
  const metered = mirror.sandbox.calls.meteredCount(realmId)
  expect(await mirror.sync(realmId)).toMatchObject({ kind: 'finished', askedAgain: false })
  expect(mirror.sandbox.calls.meteredCount(realmId) - metered).toBe(1)
  expect(await everyRow(mirror, realmId)).toEqual(before)
}

/** The versions of one record, oldest first. */
export async function versionsOf<Row = Record<string, unknown>>(
  mirror: TestMirror,
  table: (typeof MIRRORED)[number],
  qboId: string,
  realmId = REALM,
): Promise<(Row & { valid_from: Date; valid_to: Date | null; source_valid_from: Date })[]> {
  return mirror.rows(
    `SELECT * FROM ${table}_versions WHERE realm_id = :realmId AND qbo_id = :qboId ORDER BY valid_from`,
    { realmId, qboId },
  )
}

/** The row of a record in the current table, deleted or not. */
export async function rowOf<Row = Record<string, unknown>>(
  mirror: TestMirror,
  table: (typeof MIRRORED)[number],
  qboId: string,
): Promise<Row | undefined> {
  const [row] = await mirror.rows<Row>(
    `SELECT * FROM ${table} WHERE realm_id = :realmId AND qbo_id = :qboId`,
    {
      realmId: REALM,
      qboId,
    },
  )
  return row
}

export async function watermarks(
  mirror: TestMirror,
  realmId = REALM,
): Promise<Record<string, string | null>> {
  const rows = await mirror.rows<{ entity: string; watermark: Date | null }>(
    'SELECT entity, watermark FROM sync_states WHERE realm_id = :realmId ORDER BY entity',
    { realmId },
  )
  return Object.fromEntries(rows.map(({ entity, watermark }) => [entity, watermark?.toISOString() ?? null]))
}

export async function companyRow(mirror: TestMirror, realmId = REALM): Promise<Record<string, unknown>> {
  const [row] = await mirror.rows('SELECT * FROM companies WHERE realm_id = :realmId', { realmId })
  return row!
}

export async function lastRun(mirror: TestMirror, realmId = REALM): Promise<Record<string, unknown>> {
  const [row] = await mirror.rows(
    'SELECT * FROM sync_runs WHERE realm_id = :realmId ORDER BY id DESC LIMIT 1',
    { realmId },
  )
  return row!
}

/** Versions whose period does not end where the next one begins, or that end before they begin. */
function tornPeriods(mirror: Pick<TestMirror, 'rows'>, table: string): Promise<unknown[]> {
  return mirror.rows(
    `SELECT realm_id, qbo_id, valid_from, valid_to, following
       FROM (SELECT realm_id, qbo_id, valid_from, valid_to,
                    lead(valid_from) OVER (PARTITION BY realm_id, qbo_id ORDER BY valid_from) AS following
               FROM ${table}_versions) AS version
      WHERE valid_to IS DISTINCT FROM following OR valid_to <= valid_from`,
  )
}

/** Every row and version of a company, with the transaction that wrote it. */
export async function everyRow(mirror: TestMirror, realmId: string): Promise<unknown> {
  const tables = MIRRORED.flatMap((table) => [table, `${table}_history`])
  const rows = await Promise.all(
    [...tables, 'tombstones'].map((table) =>
      mirror.rows(
        `SELECT '${table}' AS table, xmin::text, qbo_id FROM ${table} WHERE realm_id = :realmId ORDER BY qbo_id, xmin`,
        { realmId },
      ),
    ),
  )
  return rows.flat()
}
