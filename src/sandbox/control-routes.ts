import { Router } from 'express'
import type { NextFunction, Request, Response } from 'express'
import type { Books } from './books.ts'
import type { CallLog } from './call-log.ts'
import type { CompanySpec } from './company-state.ts'
import type { WriteAttempt } from './data-routes.ts'
import { describeFaults, FAULT_KINDS } from './faults.ts'
import type { Faults, FaultSpec } from './faults.ts'
import { OAUTH_PATHS } from './oauth-routes.ts'
import { isPerson, PEOPLE } from './people.ts'
import type { PersonId } from './people.ts'
import type { TokenPolicy } from './tokens.ts'
import { ENTITIES } from './wire.ts'
import type { EntityName } from './wire.ts'

export interface ControlServices {
  companies(): { realmId: string; name: string; refreshToken: string }[]
  addCompany(spec: CompanySpec): void
  setAdmin(realmId: string, person: PersonId, isAdmin: boolean): void
  disconnect(realmId: string): void
  setTokenPolicy(policy: Partial<TokenPolicy>): void
  books(realmId: string): Books
  faults: Faults
  calls: CallLog
  writes(): WriteAttempt[]
}

/** What the simulator is and what can be asked of it, for whoever opens its address. */
export const HELP = `The QuickBooks simulator: it stands for Intuit. The Accounting API is at /v3/company/REALM, OAuth at
${Object.values(OAUTH_PATHS).join(', ')}; what follows is of the simulator alone. All bodies are JSON.

GET    /sandbox/companies                       the companies, with the refresh token to use now
POST   /sandbox/companies                       add one: {"realmId","name","records","homeCurrency","multiCurrency","country","lively",
                                                "linesPerInvoice"?}
POST   /sandbox/companies/REALM/disconnect      as an admin does it inside QuickBooks: its tokens die
POST   /sandbox/companies/REALM/admins          take or give admin rights: {"person": "${PEOPLE.map(({ id }) => id).join('" | "')}", "isAdmin": false}
POST   /sandbox/tokens                          {"accessLifeSeconds"?, "replacesAtOnce"?: each refresh kills the value before it}
GET    /sandbox/companies/REALM/records/TYPE    every live record of a type (${ENTITIES.join(', ')})
GET    /sandbox/companies/REALM/trial-balance   all accounts in the home currency
POST   /sandbox/companies/REALM/step            random business: {"steps": 1}
POST   /sandbox/companies/REALM/do              one action: {"method": "payBill", "args": ["145", "40.00"]}
GET    /sandbox/calls[?realmId=REALM]           every request, newest last; DELETE forgets them
GET    /sandbox/writes                          attempts to write, all refused
GET    /sandbox/faults                          the faults that are on, and the kinds there are
POST   /sandbox/faults                          {"kind": "throttled429", "realmId"?, "operation"?, "entity"?, "times"?,
                                                "moreThanRows"? (only of queries that ask for more), ...}; a poisonedRecord
                                                takes "recordId", "status"? and "code"? of the refusals
DELETE /sandbox/faults[/ID]                     take one fault or all of them away

Actions: createVendor, createCustomer, createAccount, createBill, createInvoice (an object each); editBill,
editInvoice (id, patch); payBill, receivePayment (id, amount[, accountId]); unapply, deposit (payment id);
voidInvoice (id); deleteTxn, touch, vanish, falseTombstone, inactivate, reactivate (type, id);
restoreAs (type, deleted id); backdate (type, id, date); silentChange (type, id, patch);
renameVendor, renameCustomer (id, name); merge (type, survivor id, loser id); put (type, object).

Faults, until they are taken away or have struck "times" calls. Each may be of one "realmId", "operation" or "entity", and
add "retryAfterSeconds" to a refusal:
${describeFaults()}
`

/** `/sandbox`: for a person with curl. Nothing here exists at Intuit. */
export function controlRoutes(services: ControlServices): Router {
  const router = Router()
  const { faults, calls } = services
  router.get('/', (_request, response) => response.type('text/plain').send(HELP))
  router.get('/companies', (_request, response) => response.json(services.companies()))
  router.post('/companies', (request, response) => {
    services.addCompany(bodyOf(request) as unknown as CompanySpec)
    response.status(201).json(services.companies())
  })
  router.post('/companies/:realmId/disconnect', (request, response) => {
    booksOf(services, request)
    services.disconnect(String(request.params.realmId))
    response.status(204).end()
  })
  router.post('/companies/:realmId/admins', (request, response) => {
    booksOf(services, request)
    const { person, isAdmin } = bodyOf(request)
    if (typeof person !== 'string' || !isPerson(person) || typeof isAdmin !== 'boolean') {
      throw new Error('the body is {"person": one of the people, "isAdmin": true or false}')
    }
    services.setAdmin(String(request.params.realmId), person, isAdmin)
    response.status(204).end()
  })
  router.post('/tokens', (request, response) => {
    services.setTokenPolicy(policyOf(bodyOf(request)))
    response.status(204).end()
  })
  router.get('/companies/:realmId/records/:type', (request, response) => {
    const texts = booksOf(services, request).recordsText(typeOf(request))
    response.type('application/json').send(`[${texts.join(',\n')}]`)
  })
  router.get('/companies/:realmId/trial-balance', (request, response) =>
    response.json(booksOf(services, request).trialBalance()),
  )
  router.post('/companies/:realmId/step', (request, response) => {
    const books = booksOf(services, request)
    const { steps = 1 } = bodyOf(request) as { steps?: number }
    response.json(Array.from({ length: steps }, () => books.step()))
  })
  router.post('/companies/:realmId/do', (request, response) => {
    response.json(act(booksOf(services, request), bodyOf(request)) ?? null)
  })
  router.get('/calls', (request, response) => {
    const { realmId } = request.query
    response.json(calls.list().filter((call) => realmId === undefined || call.realmId === realmId))
  })
  router.delete('/calls', (_request, response) => {
    calls.clear()
    response.status(204).end()
  })
  router.get('/writes', (_request, response) => response.json(services.writes()))
  router.get('/faults', (_request, response) => response.json({ faults: faults.list(), kinds: FAULT_KINDS }))
  router.post('/faults', (request, response) => {
    response.status(201).json({ id: faults.add(bodyOf(request) as unknown as FaultSpec) })
  })
  router.delete('/faults{/:id}', (request, response) => {
    if (typeof request.params.id === 'string') faults.remove(request.params.id)
    else faults.clear()
    response.status(204).end()
  })
  router.use(sayWhatIsWrong)
  return router
}

function act(books: Books, { method, args = [] }: { method?: unknown; args?: unknown }): unknown {
  const action = Object.entries(books).find(([name]) => name === method)?.[1] as
    ((...given: unknown[]) => unknown) | undefined
  if (!action || !Array.isArray(args)) throw new Error(`"${String(method)}" is no action with a list of args`)
  return action(...(args as unknown[]))
}

function policyOf({
  accessLifeSeconds,
  replacesAtOnce,
  ...rest
}: Record<string, unknown>): Partial<TokenPolicy> {
  const policy: Partial<TokenPolicy> = {}
  if (typeof accessLifeSeconds === 'number' && accessLifeSeconds > 0)
    policy.accessLifeSeconds = accessLifeSeconds
  else if (accessLifeSeconds !== undefined) throw new Error('accessLifeSeconds is a number above 0')
  if (typeof replacesAtOnce === 'boolean') policy.replacesAtOnce = replacesAtOnce
  else if (replacesAtOnce !== undefined) throw new Error('replacesAtOnce is true or false')
  if (Object.keys(rest).length > 0) throw new Error(`unknown: ${Object.keys(rest).join(', ')}`)
  return policy
}

function booksOf(services: ControlServices, request: Request): Books {
  return services.books(String(request.params.realmId))
}

function typeOf(request: Request): EntityName {
  const type = ENTITIES.find((name) => name.toLowerCase() === String(request.params.type).toLowerCase())
  if (!type) throw new Error(`TYPE is one of ${ENTITIES.join(', ')}`)
  return type
}

function bodyOf(request: Request): Record<string, unknown> {
  const text = String(request.body ?? '')
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}

// Express tells an error handler by its four parameters.
function sayWhatIsWrong(error: unknown, _request: Request, response: Response, _next: NextFunction): void {
  response.status(400).json({ error: error instanceof Error ? error.message : String(error) })
}
