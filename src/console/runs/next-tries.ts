import type { Database } from '../../db/database.ts'
import { SYNCED_STATUSES } from '../../domain/company.ts'
import { Company } from '../../models/company.ts'

/** What the next try of a company follows from; `nextSyncAt` is null where the company is not synced. */
export interface Tried {
  readonly realmId: string
  readonly nextSyncAt: Date | null
  readonly notBefore: Date | null
}

/** When each company is tried next, by realm id. One that waits for a person is left out. */
export function nextTriesOf(companies: readonly Tried[]): ReadonlyMap<string, Date> {
  return new Map(
    companies.flatMap(({ realmId, nextSyncAt, notBefore }) => {
      if (nextSyncAt === null) return []
      return [[realmId, notBefore !== null && notBefore > nextSyncAt ? notBefore : nextSyncAt] as const]
    }),
  )
}

export async function readNextTries(
  { knex }: Database,
  realmIds: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  const companies = await Company.query(knex)
    .select('realm_id', 'next_sync_at', 'not_before')
    .whereIn('realm_id', [...new Set(realmIds)])
    .whereIn('status', SYNCED_STATUSES)
  return nextTriesOf(companies)
}
