import { deepStrictEqual } from 'node:assert'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import type { TestMirror } from '../setup/mirror.ts'

const MIRRORED = ['vendors', 'customers', 'balances', 'bills', 'invoices'] as const

/** The mirror holds what the books hold, in every field, but for records that could not be taken. */
export async function checkEqual(
  mirror: TestMirror,
  realmId: string,
  exceptions: ReadonlySet<string> = new Set(),
): Promise<void> {
  const [mirrored, expected] = [await dumpMirror(mirror, realmId), expectedMirror(mirror, realmId)]
  for (const key of exceptions) {
    delete mirrored[key]
    delete expected[key]
  }
  deepStrictEqual(mirrored, expected, 'the mirror differs from the books')
}

/**
 * Versions join without gap or overlap, each differs from the one before, and none is older than the one before,
 * unless a listing was behind: it is believed, because it may show a change that nothing else tells of.
 */
export async function checkVersions(
  mirror: TestMirror,
  realmId: string,
  { wasBehind }: { readonly wasBehind: boolean },
): Promise<void> {
  for (const table of MIRRORED) {
    const wrong = await mirror.rows(
      `SELECT *
         FROM (SELECT qbo_id, valid_from, valid_to, source_updated_at,
                      lead(valid_from) OVER record AS following,
                      lag(source_updated_at) OVER record AS source_updated_before,
                      coalesce(raw - '{SyncToken,MetaData}'::text[] = lag(raw - '{SyncToken,MetaData}'::text[]) OVER record
                               AND deleted_at IS NOT DISTINCT FROM lag(deleted_at) OVER record, false) AS says_the_same
                 FROM ${table}_versions
                WHERE realm_id = :realmId
               WINDOW record AS (PARTITION BY qbo_id ORDER BY valid_from)) AS version
        WHERE valid_to IS DISTINCT FROM following OR valid_to <= valid_from OR says_the_same
           OR (source_updated_at < source_updated_before AND NOT ${wasBehind})`,
      { realmId },
    )
    deepStrictEqual(wrong, [], `versions of ${table} are not as they must be`)
  }
}

/** What the mirror held at a moment, to be asked for again later. */
export interface Remembered {
  readonly at: string
  readonly records: Record<string, string>
}

export async function remember(mirror: TestMirror, realmId: string): Promise<Remembered> {
  const [{ at } = { at: '' }] = await mirror.rows<{ at: string }>('SELECT clock_timestamp()::text AS at')
  return { at, records: await recordsAt(mirror, realmId, at) }
}

/** Every state that was held can be read again. */
export async function checkRemembered(mirror: TestMirror, realmId: string, held: Remembered): Promise<void> {
  deepStrictEqual(
    await recordsAt(mirror, realmId, held.at),
    held.records,
    `the state of ${held.at} cannot be read again`,
  )
}

async function recordsAt(mirror: TestMirror, realmId: string, at: string): Promise<Record<string, string>> {
  const records: Record<string, string> = {}
  for (const table of MIRRORED) {
    const rows = await mirror.rows<{ qboId: string; said: string }>(
      `SELECT qbo_id AS "qboId", md5(raw::text) || coalesce(deleted_at::text, '') AS said
         FROM ${table}_versions
        WHERE realm_id = :realmId AND valid_from <= CAST(:at AS timestamptz)
          AND (valid_to IS NULL OR valid_to > CAST(:at AS timestamptz))`,
      { realmId, at },
    )
    for (const { qboId, said } of rows) records[`${table} ${qboId}`] = said
  }
  return records
}

/** One more run costs one call and writes no record. */
export async function checkAtRest(mirror: TestMirror, realmId: string): Promise<void> {
  const before = await written(mirror, realmId)
  const metered = mirror.sandbox.calls.meteredCount(realmId)
  mirror.clock.move({ minutes: 15 })
  const outcome = await mirror.sync(realmId)
  deepStrictEqual(outcome.kind, 'finished', `a run at rest ended as ${JSON.stringify(outcome)}`)
  deepStrictEqual(await written(mirror, realmId), before, 'a run at rest wrote something')
  deepStrictEqual(
    mirror.sandbox.calls.meteredCount(realmId) - metered,
    1,
    'a run at rest must cost one metered call',
  )
}

async function written(mirror: TestMirror, realmId: string): Promise<unknown> {
  const tables = [...MIRRORED.flatMap((table) => [table, `${table}_history`]), 'tombstones']
  return Promise.all(
    tables.map((table) =>
      mirror.rows(
        `SELECT qbo_id, xmin::text FROM ${table} WHERE realm_id = :realmId ORDER BY qbo_id, xmin::text`,
        {
          realmId,
        },
      ),
    ),
  )
}

export async function checkNothingOpen(mirror: TestMirror): Promise<void> {
  deepStrictEqual(
    await mirror.rows(`SELECT id FROM sync_runs WHERE status = 'running'`),
    [],
    'a run was left open',
  )
  deepStrictEqual(mirror.sandbox.writes(), [], 'something was written to QuickBooks')
}
