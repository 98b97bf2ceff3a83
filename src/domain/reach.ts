import type { LedgerError } from './ledger-error.ts'

/**
 * Whether a failure that was met while one entity was read may be that entity's own, so that the others are worth
 * trying. Not told by Intuit's codes, of which no list is complete: whatever does not name the company, the app or our
 * own doing may concern one entity alone.
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
      // QuickBooks refused the very question, as it would for an entity that this company does not have.
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
    case 'lease_lost':
    case 'invalid_request':
    case 'unauthorized':
    case 'never_synced':
      return false
  }
}
