import { unknownCompany } from '../../connections/change-status.ts'
import { readCallsPause } from '../../connections/service-state.ts'
import { Company } from '../../models/company.ts'
import type { HttpOptions } from '../options.ts'
import { companyJson } from './company-json.ts'
import { readCompanies } from './read-companies.ts'

type Options = Pick<HttpOptions, 'database' | 'intervalSeconds'>

/** A company as its operator sees it. */
export type OperatedCompany = ReturnType<typeof companyJson>

/** @throws LedgerError `not_found`. */
export async function showCompany(options: Options, realmId: string): Promise<OperatedCompany> {
  const company = await Company.query(options.database.knex).findById(realmId)
  if (!company) throw unknownCompany(realmId)
  const [shown] = await showCompanies(options, [company])
  return shown!
}

export async function showCompanies(
  { database, intervalSeconds }: Options,
  companies: readonly Company[],
): Promise<OperatedCompany[]> {
  const now = database.clock.now()
  const callsPause = await readCallsPause(database.knex, now)
  const readings = await readCompanies(database.knex, companies, now)
  return readings.map((reading) => companyJson(reading, { now, callsPause, intervalSeconds }))
}
