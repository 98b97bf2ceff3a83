import type { Answer } from './answer.ts'
import { consentPage, newAdminPage, noAdminPage } from './consent-page.ts'
import type { Choosable } from './consent-page.ts'
import { isPerson, USUAL_PERSON } from './people.ts'
import type { PersonId } from './people.ts'
import type { TokenServer } from './tokens.ts'

export interface AuthorizeServices {
  tokens: TokenServer
  clientId: string
  companies(): Choosable[]
}

const SCOPE = 'com.intuit.quickbooks.accounting'

/**
 * What a browser gets that an app sent here: the page, or, of a program that names the company by `realmId`, the consent
 * of the usual person at once.
 */
export function openAuthorize(services: AuthorizeServices, asked: URLSearchParams): Answer {
  if (!isRequest(services, asked)) return badRequest()
  const realmId = asked.get('realmId')
  if (realmId === null) return consentPage(services.companies())
  const company = companyOf(services, realmId)
  return company ? goBack(asked, grantedTo(services, asked, company, USUAL_PERSON)) : badRequest()
}

/** What follows when the page's form comes back: `answer` is allow, replace (of another admin) or deny. */
export function answerConsent(
  services: AuthorizeServices,
  asked: URLSearchParams,
  form: URLSearchParams,
): Answer {
  if (!isRequest(services, asked)) return badRequest()
  const answer = form.get('answer')
  if (answer === 'deny') return goBack(asked, { error: 'access_denied' })
  const company = companyOf(services, form.get('realmId') ?? '')
  const person = form.get('person') ?? ''
  if (!company || !isPerson(person)) return badRequest()
  if (!services.tokens.isAdmin(company.realmId, person)) return noAdminPage(company)
  const connectedBy = services.tokens.connectedBy(company.realmId)
  const takesPlace = connectedBy !== null && connectedBy !== person
  if (takesPlace && answer !== 'replace') return newAdminPage(company, person)
  return goBack(asked, grantedTo(services, asked, company, person))
}

function isRequest({ clientId }: AuthorizeServices, asked: URLSearchParams): boolean {
  return (
    asked.get('client_id') === clientId &&
    asked.get('response_type') === 'code' &&
    (asked.get('scope') ?? '').split(' ').includes(SCOPE) &&
    (asked.get('state') ?? '') !== '' &&
    URL.canParse(asked.get('redirect_uri') ?? '')
  )
}

function badRequest(): Answer {
  const wrong = `client_id, response_type=code, scope=${SCOPE}, state, redirect_uri, the company or the person is wrong`
  return { status: 400, contentType: 'text/plain', body: wrong }
}

function companyOf({ companies }: AuthorizeServices, realmId: string): Choosable | undefined {
  return companies().find((company) => company.realmId === realmId)
}

function grantedTo(
  { tokens }: AuthorizeServices,
  asked: URLSearchParams,
  { realmId }: Choosable,
  person: PersonId,
): Record<string, string> {
  return { code: tokens.authorizationCode(realmId, asked.get('redirect_uri') ?? '', person), realmId }
}

function goBack(asked: URLSearchParams, answer: Record<string, string>): Answer {
  const target = new URL(asked.get('redirect_uri') ?? '')
  for (const [name, value] of Object.entries({ ...answer, state: asked.get('state') ?? '' })) {
    target.searchParams.set(name, value)
  }
  return { status: 302, contentType: 'text/plain', body: '', headers: { Location: target.href } }
}
