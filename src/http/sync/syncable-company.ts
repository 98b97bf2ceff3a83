import type { Knex } from 'knex'
import { unknownCompany } from '../../connections/change-status.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
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
  const resume = `POST /admin/companies/${realmId}/resume`
  switch (company.status) {
    case 'active':
      return company
    case 'paused':
      throw new LedgerError('company_inactive', `company ${realmId} is paused: ${resume} ends that`)
    case 'disconnected':
      throw new LedgerError('company_inactive', `company ${realmId} is disconnected: connect it again first`)
    case 'needs_reauth':
      throw new LedgerError(
        'needs_reauth',
        `Intuit refuses the tokens of company ${realmId}: connect it again, or ${resume} to try them once more`,
      )
    case 'unavailable':
      throw new LedgerError(
        'company_unavailable',
        `the QuickBooks subscription of company ${realmId} has lapsed: once it is renewed, ${resume} tries at once`,
      )
  }
}
