import { isLate } from '../books/company-state.ts'
import { rowsOf, type Database, type Tx } from '../db/database.ts'
import type { CompanyStatus } from '../domain/company.ts'
import { ENTITIES } from '../domain/entity.ts'
import type {
  CompanyFacts,
  CompanyName,
  ConnectionEnd,
  Freshness,
  SyncMetrics,
  Total,
} from '../metrics/sync-metrics.ts'
import { readCallsOfMonth } from './record-calls.ts'
import { DURATION_BUCKETS_SECONDS } from './report.ts'

/**
 * Reads what `/metrics` says about the mirror, with a few statements on one connection.
 *
 * @param perCompany false: nothing is read per company.
 */
export async function readSyncMetrics(
  database: Database,
  { perCompany, intervalSeconds }: { readonly perCompany: boolean; readonly intervalSeconds: number },
): Promise<SyncMetrics> {
  return database.transaction(async (tx) => {
    const freshness = perCompany ? await readFreshness(tx) : []
    return {
      names: perCompany ? await readNames(tx) : [],
      companies: perCompany ? await readCompanies(tx, freshness, intervalSeconds) : [],
      freshness,
      connectionEnds: perCompany ? await readConnectionEnds(tx) : [],
      companiesByStatus: await rowsOf<SyncMetrics['companiesByStatus'][number]>(
        tx.trx,
        'SELECT status, count(*) AS companies FROM companies GROUP BY status',
      ),
      totals: await readTotals(tx, perCompany),
      runDurationBounds: DURATION_BUCKETS_SECONDS,
      ...(await readService(tx)),
      callsThisMonth: await readCallsOfMonth(tx),
    }
  })
}

// The others are not meant to be synced: their lag would rise for ever and mean nothing.
const SYNCED = `c.status NOT IN ('paused', 'disconnected')`

async function readNames(tx: Tx): Promise<CompanyName[]> {
  return rowsOf<CompanyName>(tx.trx, 'SELECT realm_id AS "realmId", name, status FROM companies')
}

async function readCompanies(
  tx: Tx,
  freshness: readonly Freshness[],
  intervalSeconds: number,
): Promise<CompanyFacts[]> {
  const rows = await rowsOf<CompanyRow>(
    tx.trx,
    `SELECT c.realm_id AS "realmId",
            extract(epoch FROM c.last_success_at)::float8 AS "lastSuccess",
            coalesce(r.open, 0) AS "openRejects",
            c.status,
            c.max_lag_minutes AS "maxLagMinutes"
       FROM companies c
       LEFT JOIN (SELECT realm_id, count(*) AS open
                    FROM sync_rejects
                   WHERE resolved_at IS NULL
                   GROUP BY realm_id) r ON r.realm_id = c.realm_id
      WHERE ${SYNCED}`,
  )
  const lag = new Map<string, number>()
  for (const { realmId, lagSeconds } of freshness) {
    lag.set(realmId, Math.max(lagSeconds, lag.get(realmId) ?? 0))
  }
  return rows.map(({ realmId, lastSuccess, openRejects, ...company }) => ({
    realmId,
    lastSuccess,
    openRejects,
    late: isLate(company, lag.get(realmId) ?? 0, intervalSeconds),
  }))
}

interface CompanyRow extends Omit<CompanyFacts, 'late'> {
  readonly status: CompanyStatus
  readonly maxLagMinutes: number | null
}

async function readFreshness(tx: Tx): Promise<Freshness[]> {
  return rowsOf<Freshness>(
    tx.trx,
    `SELECT c.realm_id AS "realmId",
            e.entity,
            extract(epoch FROM CAST(:now AS timestamptz) - coalesce(s.watermark, c.created_at))::float8 AS "lagSeconds",
            extract(epoch FROM s.watermark)::float8 AS watermark
       FROM companies c
      CROSS JOIN unnest(CAST(:entities AS text[])) AS e (entity)
       LEFT JOIN sync_states s ON s.realm_id = c.realm_id AND s.entity = e.entity
      WHERE ${SYNCED}`,
    { now: tx.now, entities: [...ENTITIES] },
  )
}

// One that was refused has ended already, whatever its token was promised.
async function readConnectionEnds(tx: Tx): Promise<ConnectionEnd[]> {
  return rowsOf<ConnectionEnd>(
    tx.trx,
    `SELECT t.realm_id AS "realmId",
            extract(epoch FROM t.refresh_token_expires_at)::float8 AS expires
       FROM connections t
       JOIN companies c ON c.realm_id = t.realm_id
      WHERE c.status NOT IN ('needs_reauth', 'disconnected') AND t.refresh_token_expires_at IS NOT NULL`,
  )
}

async function readTotals(tx: Tx, perCompany: boolean): Promise<Total[]> {
  return rowsOf<Total>(
    tx.trx,
    `SELECT metric, labels, total
       FROM metric_totals_now()
      WHERE :perCompany OR labels ->> 'realm_id' IS NULL`,
    { perCompany },
  )
}

async function readService(tx: Tx): Promise<Pick<SyncMetrics, 'lastTick' | 'stopCode'>> {
  const [state] = await rowsOf<Pick<SyncMetrics, 'lastTick' | 'stopCode'>>(
    tx.trx,
    `SELECT extract(epoch FROM last_tick_at)::float8 AS "lastTick",
            CASE WHEN stopped_since IS NOT NULL THEN calls_paused_code END AS "stopCode"
       FROM service_state`,
  )
  return state ?? { lastTick: null, stopCode: null }
}
