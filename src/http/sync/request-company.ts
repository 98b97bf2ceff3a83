import type { Doer } from '../../connections/record-event.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import type { Mode } from '../../domain/sync-run.ts'
import type { HttpOptions } from '../options.ts'
import { syncableCompany } from './syncable-company.ts'

/** Requests a sync of one company. @returns the number of the request. */
export async function requestCompany(
  { database, requestSync }: Pick<HttpOptions, 'database' | 'requestSync'>,
  realmId: string,
  asked: { readonly mode: Mode; readonly by: Doer },
): Promise<number> {
  const request = (await requestSync([realmId], asked)).get(realmId)
  if (request !== undefined) return request
  // Left out because its status changed since we checked: checking again says what it is now.
  await syncableCompany(database.knex, realmId)
  throw new LedgerError('company_inactive', `company ${realmId} is being changed: ask again`)
}
