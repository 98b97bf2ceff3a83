import type { Knex } from 'knex'
import { latestReject } from '../../books/company-rows.ts'
import type { LatestReject } from '../../books/company-state.ts'
import { rowsOf } from '../../db/database.ts'
import type { Company } from '../../models/company.ts'
import { Connection } from '../../models/connection.ts'
import { Disappearance } from '../../models/disappearance.ts'
import { SyncRun } from '../../models/sync-run.ts'
import { SyncState } from '../../models/sync-state.ts'

/** Everything that is shown about one company. */
export interface CompanyReading {
  readonly company: Company
  /** Without its tokens. */
  readonly connection: Connection | null
  readonly states: readonly SyncState[]
  readonly disappearances: readonly Disappearance[]
  readonly lastRun: SyncRun | null
  /** The latest run with an error, within the last day or so. */
  readonly lastError: SyncRun | null
  readonly openRejects: number
  readonly latestReject: LatestReject | null
  /** Calls to Intuit this calendar month, UTC. */
  readonly calls: { readonly total: number; readonly metered: number }
}

/** Reads what belongs to some companies, in a handful of statements however many there are. */
export async function readCompanies(
  knex: Knex,
  companies: readonly Company[],
  now: Date,
): Promise<CompanyReading[]> {
  const realmIds = companies.map((company) => company.realmId)
  const connections = byCompany(await readConnections(knex, realmIds))
  const states = Map.groupBy(await readStates(knex, realmIds), (state) => state.realmId)
  const doubts = Map.groupBy(await readDisappearances(knex, realmIds), (doubt) => doubt.realmId)
  const lastRuns = byCompany(await readLatestRuns(knex, realmIds))
  const lastErrors = byCompany(await readLatestErrors(knex, realmIds))
  const rejects = byCompany(await countOpenRejects(knex, realmIds))
  const calls = byCompany(await sumCalls(knex, realmIds, now))
  return companies.map((company) => {
    const { total, metered } = calls.get(company.realmId) ?? { total: 0, metered: 0 }
    return {
      company,
      connection: connections.get(company.realmId) ?? null,
      states: states.get(company.realmId) ?? [],
      disappearances: doubts.get(company.realmId) ?? [],
      lastRun: lastRuns.get(company.realmId) ?? null,
      lastError: lastErrors.get(company.realmId) ?? null,
      openRejects: rejects.get(company.realmId)?.rejects ?? 0,
      latestReject: rejects.get(company.realmId)?.latest ?? null,
      calls: { total, metered },
    }
  })
}

function byCompany<Row extends { readonly realmId: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.realmId, row]))
}

async function readConnections(knex: Knex, realmIds: readonly string[]): Promise<Connection[]> {
  return Connection.query(knex)
    .select('realm_id', 'environment', 'access_token_expires_at', 'refresh_token_expires_at')
    .whereIn('realm_id', realmIds)
}

async function readStates(knex: Knex, realmIds: readonly string[]): Promise<SyncState[]> {
  return SyncState.query(knex).whereIn('realm_id', realmIds)
}

async function readDisappearances(knex: Knex, realmIds: readonly string[]): Promise<Disappearance[]> {
  return Disappearance.query(knex).whereIn('realm_id', realmIds)
}

/** The newest run of each company. */
async function readLatestRuns(knex: Knex, realmIds: readonly string[]): Promise<SyncRun[]> {
  return runsOf(
    knex,
    `SELECT latest.*
       FROM unnest(CAST(:realmIds AS text[])) AS c (realm_id)
      CROSS JOIN LATERAL (SELECT *
                            FROM sync_runs r
                           WHERE r.realm_id = c.realm_id
                           ORDER BY r.started_at DESC, r.id DESC
                           LIMIT 1) AS latest`,
    { realmIds: [...realmIds] },
  )
}

// One day of runs: a lasting error is among the newest, and one older than a day has been resolved.
const RUNS_LOOKED_AT = 100

/** The newest run with an error of each company, if it is among its newest runs. */
async function readLatestErrors(knex: Knex, realmIds: readonly string[]): Promise<SyncRun[]> {
  return runsOf(
    knex,
    `SELECT latest.*
       FROM unnest(CAST(:realmIds AS text[])) AS c (realm_id)
      CROSS JOIN LATERAL (SELECT *
                            FROM sync_runs r
                           WHERE r.realm_id = c.realm_id AND r.error_code IS NOT NULL
                           ORDER BY r.started_at DESC, r.id DESC
                           LIMIT 1) AS latest
      WHERE (SELECT count(*)
               FROM (SELECT
                       FROM sync_runs n
                      WHERE n.realm_id = c.realm_id AND n.id > latest.id
                      LIMIT :runsLookedAt) AS newer) < :runsLookedAt`,
    { realmIds: [...realmIds], runsLookedAt: RUNS_LOOKED_AT },
  )
}

async function runsOf(
  knex: Knex,
  sql: string,
  bindings: Record<string, Knex.RawBinding>,
): Promise<SyncRun[]> {
  return (await rowsOf<Record<string, unknown>>(knex, sql, bindings)).map((row) =>
    SyncRun.fromDatabaseJson(row),
  )
}

async function countOpenRejects(
  knex: Knex,
  realmIds: readonly string[],
): Promise<{ realmId: string; rejects: number; latest: LatestReject }[]> {
  return rowsOf(
    knex,
    `SELECT t.realm_id AS "realmId", count(*) AS rejects, ${latestReject('t')} AS latest
       FROM sync_rejects t
      WHERE realm_id = ANY (:realmIds) AND resolved_at IS NULL
      GROUP BY realm_id`,
    { realmIds: [...realmIds] },
  )
}

async function sumCalls(
  knex: Knex,
  realmIds: readonly string[],
  now: Date,
): Promise<{ realmId: string; total: number; metered: number }[]> {
  return rowsOf(
    knex,
    `SELECT realm_id AS "realmId", sum(calls)::bigint AS total, sum(metered_calls)::bigint AS metered
       FROM quickbooks_calls
      WHERE realm_id = ANY (:realmIds) AND day >= :firstOfMonth
      GROUP BY realm_id`,
    { realmIds: [...realmIds], firstOfMonth: `${now.toISOString().slice(0, 'YYYY-MM'.length)}-01` },
  )
}
