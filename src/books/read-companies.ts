import { rowsOf } from '../db/database.ts'
import type { CompanyStatus } from '../domain/company.ts'
import { ENTITIES } from '../domain/entity.ts'
import { COMPANY_COLUMNS, COMPANY_JOINS, type CompanyRow } from './company-rows.ts'
import { explain, isLate, type Reason } from './company-state.ts'
import type { BooksOptions } from './standing.ts'

/** A company as readers of its books see it: no tokens, nothing of its connection. */
export interface ShownCompany {
  readonly realmId: string
  readonly name: string | null
  readonly status: CompanyStatus
  readonly statusReason: Reason | null
  readonly whatToDo: string | null
  readonly homeCurrency: string | null
  readonly timeZone: string | null
  readonly tags: readonly string[]
  /** When the entity furthest behind was last confirmed complete; null if any entity never was. */
  readonly lastSyncedAt: Date | null
  /** For the entity furthest behind. */
  readonly lagSeconds: number
  readonly late: boolean
  /** The mirror does not yet hold any entity completely. */
  readonly neverSynced: boolean
  readonly rejects: number
}

/** Companies in order of realm id as text, after `after`. */
export async function readCompanies(
  { database, intervalSeconds }: BooksOptions,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<ShownCompany[]> {
  const now = database.clock.now()
  const rows = await rowsOf<CompaniesRow>(database.knex, COMPANIES, { after: after ?? '', limit, now })
  return rows.map((row) => {
    const lagSeconds = (now.getTime() - row.laggingSince.getTime()) / 1000
    return {
      realmId: row.realmId,
      name: row.name,
      status: row.status,
      ...explain(row, now),
      homeCurrency: row.homeCurrency,
      timeZone: row.timeZone,
      tags: row.tags,
      lastSyncedAt: row.entitiesSynced === ENTITIES.length ? row.lastSyncedAt : null,
      lagSeconds,
      late: isLate(row, lagSeconds, intervalSeconds),
      neverSynced: row.entitiesSynced === 0,
      rejects: row.rejects,
    }
  })
}

type CompaniesRow = CompanyRow & {
  readonly entitiesSynced: number
  readonly lastSyncedAt: Date | null
  readonly laggingSince: Date
}

// An entity without a watermark lags since the registration.
const COMPANIES = `
  SELECT ${COMPANY_COLUMNS}, s.synced AS "entitiesSynced", s.oldest AS "lastSyncedAt",
         CASE WHEN s.reached = ${ENTITIES.length} THEN s.watermark ELSE c.created_at END AS "laggingSince"
    FROM companies c
   CROSS JOIN LATERAL (
           SELECT count(t.last_synced_at) AS synced, min(t.last_synced_at) AS oldest, count(t.watermark) AS reached,
                  min(t.watermark) AS watermark
             FROM sync_states t
            WHERE t.realm_id = c.realm_id) s
    ${COMPANY_JOINS}
   WHERE c.realm_id > :after
   ORDER BY c.realm_id
   LIMIT :limit`
