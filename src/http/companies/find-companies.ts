import type { Knex } from 'knex'
import { LATE_AFTER_INTERVALS } from '../../books/company-state.ts'
import type { CompanyStatus } from '../../domain/company.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { Company } from '../../models/company.ts'

/** Which companies are asked for; null or absent: whichever. */
export interface CompanyFilters {
  readonly status?: CompanyStatus | undefined
  readonly late?: boolean | undefined
  /** Part of the name or of the realm id, in any case. */
  readonly search?: string | undefined
}

export interface CompanyPage {
  readonly after: string
  readonly limit: number
}

/** Companies in order of realm id as text. */
export async function findCompanies(
  knex: Knex,
  { status, late, search }: CompanyFilters,
  {
    after,
    limit,
    now,
    intervalSeconds,
  }: CompanyPage & { readonly now: Date; readonly intervalSeconds: number },
): Promise<Company[]> {
  const query = Company.query(knex).where('realm_id', '>', after).orderBy('realm_id').limit(limit)
  if (status !== undefined) void query.where({ status })
  if (late !== undefined) {
    const usualSeconds = intervalSeconds * LATE_AFTER_INTERVALS
    void query.whereRaw(`(${IS_LATE}) = ?`, [[...ENTITIES], now, usualSeconds, late])
  }
  if (search !== undefined) {
    void query.whereRaw(`(strpos(lower(coalesce(name, '')), lower(?)) > 0 OR strpos(realm_id, ?) > 0)`, [
      search,
      search,
    ])
  }
  return query
}

/** As `isLate` says of the entity that lags most; one that has no watermark lags since the registration. */
const IS_LATE = `
  status NOT IN ('paused', 'disconnected')
  AND EXISTS (
    SELECT FROM unnest(CAST(? AS text[])) AS each (entity)
           LEFT JOIN sync_states s ON s.realm_id = companies.realm_id AND s.entity = each.entity
     WHERE coalesce(s.watermark, companies.created_at)
           < CAST(? AS timestamptz) - make_interval(secs => coalesce(companies.max_lag_minutes * 60, ?)))`
