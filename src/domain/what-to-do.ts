import type { CompanyStatus } from './company.ts'
import type { Entity } from './entity.ts'
import type { ErrorCode } from './ledger-error.ts'

/** Whose failure it is. */
export interface Concerned {
  readonly realmId: string
  readonly status: CompanyStatus
  readonly entity?: Entity | undefined
}

/** What a person can do about a failure; requests are named as they have to be made where it is known for what. */
export function whatToDo(code: ErrorCode, concerned?: Concerned): string {
  if (concerned === undefined) return adviceFor(code)
  const { realmId, status, entity } = concerned
  return (code === 'company_inactive' ? adviceForInactive(status) : adviceFor(code))
    .replaceAll(':realmId', realmId)
    .replaceAll(':entity', entity ?? ':entity')
}

const CONNECT_AGAIN = 'Connect it again: PUT /admin/companies/:realmId with a new refresh token.'

function adviceForInactive(status: CompanyStatus): string {
  return status === 'disconnected' ? CONNECT_AGAIN : 'Resume it: POST /admin/companies/:realmId/resume.'
}

function adviceFor(code: ErrorCode): string {
  switch (code) {
    case 'throttled':
      return 'Nothing: QuickBooks asked us to slow down, and reading resumes by itself.'
    case 'unavailable':
      return 'Nothing yet: QuickBooks did not answer properly and is tried again with growing pauses; POST /admin/sync/:realmId tries at once.'
    case 'token_expired':
      return 'Nothing: the access token is renewed by itself.'
    case 'needs_reauth':
      return CONNECT_AGAIN
    case 'app_misconfigured':
      return 'Compare QBO_CLIENT_ID, QBO_CLIENT_SECRET and QBO_ENVIRONMENT with the keys of the app at developer.intuit.com, and start the service with the right ones. One company tries every five minutes, and at once after a start: reading resumes by itself with the first that is answered.'
    case 'token_unreadable':
      return 'Put the key that the message names back into TOKEN_ENCRYPTION_KEYS and start the service again, or PUT /admin/companies/:realmId with a new refresh token.'
    case 'wrong_environment':
      return 'Set QBO_ENVIRONMENT to the environment in which the company was connected, or PUT /admin/companies/:realmId with a refresh token from the environment it is set to.'
    case 'company_unavailable':
      return 'Renew the QuickBooks subscription, then POST /admin/companies/:realmId/resume; without that it is tried once a day. A client who left: POST /admin/companies/:realmId/disconnect.'
    case 'window_exceeded':
      return 'Nothing: the company is listed in full instead.'
    case 'invalid_payload':
      return 'See GET /admin/companies/:realmId/rejects; correct the record in QuickBooks, or upgrade this service and POST /admin/companies/:realmId/rejects/retry.'
    case 'poisoned_page':
      return 'QuickBooks cannot serve one record: see its position in GET /admin/companies/:realmId/rejects and report it to Intuit.'
    case 'mass_disappearance':
      return 'Look at the company in QuickBooks: most records of an entity vanished at once, so none of them was deleted here. If they are really gone, POST /admin/companies/:realmId/disappearances/:entity/confirm deletes them; POST /admin/sync/:realmId with {"mode":"full"} looks again at once, which otherwise happens once a day.'
    case 'budget_spent':
      return 'The calls of QBO_MONTHLY_CALL_BUDGET are used up: reading resumes next month, or when the service is started with a larger budget.'
    case 'quota_exhausted':
      return 'Intuit answers nobody any more, as it does when the calls that it allows the app in a month are used up: raise the plan at developer.intuit.com, or wait. One company tries every five minutes, and reading resumes by itself with the first that is answered; QBO_MONTHLY_CALL_BUDGET stops earlier next time.'
    case 'lease_lost':
      return 'Nothing: another process took the company over.'
    case 'invalid_request':
      return 'Correct the request as the message says.'
    case 'not_found':
      return 'Check the address; GET /admin/companies lists what exists.'
    case 'never_synced':
      return 'Wait for the first sync of the company, or ask for one: POST /admin/sync/:realmId; GET /admin/companies/:realmId says what it is waiting for.'
    case 'unauthorized':
      return 'Send the token as "Authorization: Bearer …".'
    case 'forbidden':
      return 'Ask from a page of this service, or use the API with a bearer token.'
    case 'too_many_attempts':
      return 'Wait as long as the message says, then try again.'
    case 'company_inactive':
      return 'Resume it: POST /admin/companies/:realmId/resume; one that was disconnected is connected again with PUT /admin/companies/:realmId.'
    case 'internal':
      return 'This is a defect: report it with the request id or the run id and the log lines around it.'
  }
}

/** Whether a failure waits for a person; any other heals by itself or is somebody's wish. */
export function needsPerson(code: ErrorCode): boolean {
  return WAITS_FOR_PERSON.has(code)
}

const WAITS_FOR_PERSON: ReadonlySet<ErrorCode> = new Set([
  'needs_reauth',
  'app_misconfigured',
  'token_unreadable',
  'wrong_environment',
  'company_unavailable',
  'invalid_payload',
  'poisoned_page',
  'mass_disappearance',
  'budget_spent',
  'quota_exhausted',
  'internal',
])
