import { rowsOf, type Database, type Tx } from '../db/database.ts'
import { ENTITIES } from '../domain/entity.ts'
import type { CompanyFacts, Freshness, SyncMetrics, Total } from '../metrics/sync-metrics.ts'
import { DURATION_BUCKETS_SECONDS } from './report.ts'

/**
 * Reads what `/metrics` says about the mirror, with a few statements on one connection.
 *
 * @param perCompany false: nothing is read per company.
 */
export async function readSyncMetrics(
  database: Database,
  { perCompany }: { readonly perCompany: boolean },
): Promise<SyncMetrics> {
  return database.transaction(async (tx) => ({
    companies: perCompany ? await readCompanies(tx) : [],
    freshness: perCompany ? await readFreshness(tx) : [],
    companiesByStatus: await rowsOf<SyncMetrics['companiesByStatus'][number]>(
      tx.trx,
      'SELECT status, count(*) AS companies FROM companies GROUP BY status',
    ),
    totals: await readTotals(tx, perCompany),
    runDurationBounds: DURATION_BUCKETS_SECONDS,
    lastTick: await readLastTick(tx),
  }))
}

// The others are not meant to be synced: their lag would rise for ever and mean nothing.
const SYNCED = `c.status NOT IN ('paused', 'disconnected')`

async function readCompanies(tx: Tx): Promise<CompanyFacts[]> {
  return rowsOf<CompanyFacts>(
    tx.trx,
    `SELECT c.realm_id AS "realmId",
            extract(epoch FROM c.last_success_at)::float8 AS "lastSuccess",
            coalesce(r.open, 0) AS "openRejects"
       FROM companies c
       LEFT JOIN (SELECT realm_id, count(*) AS open
                    FROM sync_rejects
                   WHERE resolved_at IS NULL
                   GROUP BY realm_id) r ON r.realm_id = c.realm_id
      WHERE ${SYNCED}`,
  )
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

async function readTotals(tx: Tx, perCompany: boolean): Promise<Total[]> {
  return rowsOf<Total>(
    tx.trx,
    `SELECT metric, labels, total
       FROM metric_totals_now()
      WHERE :perCompany OR labels ->> 'realm_id' IS NULL`,
    { perCompany },
  )
}

async function readLastTick(tx: Tx): Promise<number | null> {
  const [state] = await rowsOf<{ lastTick: number | null }>(
    tx.trx,
    `SELECT extract(epoch FROM last_tick_at)::float8 AS "lastTick" FROM service_state`,
  )
  return state?.lastTick ?? null
}
