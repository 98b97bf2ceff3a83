import type { Knex } from 'knex'
import { rowsOf } from '../../db/database.ts'
import { NOW } from '../moment.ts'
import { readSums, type CompanyOnDay } from './read-sums.ts'
import type { CompanySums } from './sums.ts'

/** A company with what is kept of it. */
export interface Kept extends CompanyOnDay {
  /** `valid_from` of the latest version of the company, as Postgres writes it; `-infinity`: it has none. */
  readonly latest: string
  /** Null where they no longer hold. */
  readonly sums: CompanySums | null
}

/**
 * The sums of these companies now. Those that no longer hold are made again and kept: whatever wrote to a company (a
 * run, a retry, a remapping, somebody with SQL) began a version, and `latest` was read before the sums, so sums that
 * missed a version are never taken for good.
 */
export async function presentSums(
  knex: Knex,
  companies: readonly Kept[],
  now: Date,
): Promise<Map<string, CompanySums>> {
  const known = new Map(companies.flatMap(({ realmId, sums }) => (sums ? [[realmId, sums] as const] : [])))
  const stale = companies.filter(({ sums }) => sums === null)
  const made = await readSums(knex, stale, NOW, now)
  await keep(
    knex,
    stale.map((company) => ({ ...company, sums: made.get(company.realmId)! })),
  )
  return new Map([...known, ...made])
}

/** In the order of realm ids, so that two readers who keep the same companies do not wait for each other. */
async function keep(knex: Knex, companies: readonly Kept[]): Promise<void> {
  if (companies.length === 0) return
  const sorted = [...companies].sort((one, other) => (one.realmId < other.realmId ? -1 : 1))
  await rowsOf(
    knex,
    `INSERT INTO portfolio_sums (realm_id, today, latest, sums)
     SELECT k.realm_id, k.today, k.latest, k.sums
       FROM unnest(CAST(:realmIds AS text[]), CAST(:todays AS date[]), CAST(:latests AS timestamptz[]),
                   CAST(:sums AS jsonb[])) AS k (realm_id, today, latest, sums)
       JOIN companies c ON c.realm_id = k.realm_id
      ORDER BY k.realm_id
         ON CONFLICT (realm_id) DO UPDATE
        SET today = excluded.today, latest = excluded.latest, sums = excluded.sums`,
    {
      realmIds: sorted.map(({ realmId }) => realmId),
      todays: sorted.map(({ today }) => today),
      latests: sorted.map(({ latest }) => latest),
      sums: sorted.map(({ sums }) => JSON.stringify(sums)),
    },
  )
}
