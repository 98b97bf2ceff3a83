import type { Knex } from 'knex'
import { companyDay } from '../domain/company-time.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { Company } from '../models/company.ts'
import type { CompanyWords } from './versions/held-version.ts'

/**
 * What descriptions of a company's records need to know about it.
 *
 * @throws LedgerError `not_found`.
 */
export async function readCompanyWords(knex: Knex, realmId: string): Promise<CompanyWords> {
  const company = await Company.query(knex).findById(realmId)
  if (!company) throw new LedgerError('not_found', `no company ${realmId} is registered`)
  return companyWords(company)
}

export function companyWords({
  homeCurrency,
  timeZone,
}: Pick<Company, 'homeCurrency' | 'timeZone'>): CompanyWords {
  return { homeCurrency, dayOf: (moment) => companyDay(moment, timeZone) }
}
