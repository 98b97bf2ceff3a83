import type { LedgerError } from './ledger-error.ts'

/**
 * Whether a failure met while reading one entity may concern that entity alone, so that the others are worth trying. It
 * does not go by Intuit's codes, because no list of them is complete: any failure that does not name the company, the
 * app or ourselves may concern one entity alone.
 */
export function mayConcernOneEntity({ code, details }: LedgerError): boolean {
  switch (code) {
    case 'unavailable':
      // A token that was refused again, or a user without rights, is not of one entity.
      return details.httpStatus !== 401 && details.httpStatus !== 403
    case 'poisoned_page':
    case 'invalid_payload':
    case 'mass_disappearance':
    case 'window_exceeded':
    case 'not_found':
      return true
    case 'internal':
      // QuickBooks refused the query itself, as it would for an entity that this company does not have.
      return details.faultCode != null
    case 'throttled':
    case 'token_expired':
    case 'needs_reauth':
    case 'token_unreadable':
    case 'wrong_environment':
    case 'app_misconfigured':
    case 'company_unavailable':
    case 'company_inactive':
    case 'budget_spent':
    case 'quota_exhausted':
    case 'lease_lost':
    case 'invalid_request':
    case 'unauthorized':
    case 'forbidden':
    case 'too_many_attempts':
    case 'never_synced':
      return false
  }
}
