import type { Knex } from 'knex'
import { unknownCompany } from '../../connections/change-status.ts'
import { nameCompany } from '../../domain/company.ts'
import { LedgerError, type ErrorCode } from '../../domain/ledger-error.ts'
import { whatToDo } from '../../domain/what-to-do.ts'
import { Company } from '../../models/company.ts'

/**
 * Reads a company for which a sync can be requested.
 *
 * @throws LedgerError `not_found`; `company_inactive`, `needs_reauth` or `company_unavailable` when a request could not
 *   be served.
 */
export async function syncableCompany(knex: Knex, realmId: string): Promise<Company> {
  const company = await Company.query(knex).findById(realmId)
  if (!company) throw unknownCompany(realmId)
  const name = nameCompany(company)
  const advice = (code: ErrorCode) => whatToDo(code, company)
  switch (company.status) {
    case 'active':
      return company
    case 'paused':
      throw new LedgerError('company_inactive', `${name} is paused. ${advice('company_inactive')}`)
    case 'disconnected':
      throw new LedgerError('company_inactive', `${name} is disconnected. ${advice('company_inactive')}`)
    case 'needs_reauth':
      throw new LedgerError('needs_reauth', `Intuit refuses the tokens of ${name}. ${advice('needs_reauth')}`)
    case 'unavailable':
      throw new LedgerError(
        'company_unavailable',
        `The QuickBooks subscription of ${name} has lapsed. ${advice('company_unavailable')}`,
      )
  }
}
