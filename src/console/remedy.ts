import type { CompanyStatus } from '../domain/company.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import { needsPerson, whatToDo } from '../domain/what-to-do.ts'
import { linkTo, type Address } from './address.ts'
import { companyPath } from './entities.ts'
import type { Tone } from './parts/state.ts'

export interface Remedy {
  readonly words: string
  readonly href: string
}

/** What a person can do about a failure from these pages. Null: nothing has to be done, or nothing can be from here. */
export function remedyOf(
  code: ErrorCode,
  { realmId, status }: { readonly realmId: string; readonly status: CompanyStatus },
  address: Address,
): Remedy | null {
  const to = (part: string, words: string) => ({ words, href: linkTo(address, companyPath(realmId, part)) })
  switch (code) {
    case 'needs_reauth':
    case 'token_unreadable':
    case 'wrong_environment':
      return to('connection', 'Connect it again')
    case 'company_unavailable':
      return to('connection', 'Renew the subscription, then try again')
    case 'company_inactive':
      return to('connection', status === 'disconnected' ? 'Connect it again' : 'Resume')
    case 'invalid_payload':
    case 'poisoned_page':
      return to('connection#rejects', 'Look at the rejected records')
    case 'mass_disappearance':
      return to('connection#doubts', 'Say whether they are gone')
    case 'invalid_request':
    case 'not_found':
    case 'unauthorized':
    case 'forbidden':
    case 'too_many_attempts':
    case 'never_synced':
      return null
    case 'internal':
    case 'app_misconfigured':
    case 'budget_spent':
    case 'quota_exhausted':
    case 'throttled':
    case 'unavailable':
    case 'token_expired':
    case 'window_exceeded':
    case 'lease_lost':
      return to('runs', 'Look at the runs')
  }
}

/** The same where there is no page to lead to. */
export function adviceOf(code: ErrorCode, status: CompanyStatus | null = null): string {
  if (code === 'company_inactive' && status === 'disconnected') return 'Connect it again.'
  return ADVICE[code] ?? whatToDo(code)
}

// The domain's advice names calls of the API; on a page there is a button.
const ADVICE: Partial<Record<ErrorCode, string>> = {
  needs_reauth: 'Connect the company again: Intuit no longer takes its tokens.',
  token_unreadable:
    'Put the key that the message names back into TOKEN_ENCRYPTION_KEYS and start the service again, or connect the company again.',
  wrong_environment:
    'Set QBO_ENVIRONMENT to the environment in which the company was connected, or connect it again in this one.',
  unavailable:
    'Nothing yet: QuickBooks did not answer properly and is tried again with growing pauses. “Sync now” tries at once.',
  invalid_payload:
    'Look at the rejected records: correct them in QuickBooks, or upgrade this service and try them again.',
  poisoned_page:
    'QuickBooks cannot serve one record: see its place among the rejected records and report it to Intuit.',
  mass_disappearance:
    'Look at the company in QuickBooks: most records of a list vanished at once, so none was deleted here. Say that they are gone, or let a full sync look again.',
  not_found: 'Check the address, or look for it with the search above.',
  never_synced: 'Wait for the first sync: the company’s page says how far it is.',
  company_inactive: 'Resume it; one that was disconnected has to be connected again.',
  unauthorized: 'Sign in again.',
  forbidden: 'Go back to the console and use its own buttons.',
}

/** Red: a person must act. Amber: it heals by itself. */
export function toneOf(code: ErrorCode): Tone {
  if (code === 'company_inactive') return 'off'
  return needsPerson(code) ? 'act' : 'heals'
}
