import type { IRouter, Response } from 'express'
import { z } from 'zod'
import { setCompany } from '../../connections/set-company.ts'
import type { Doer } from '../../connections/record-event.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import { doerOf } from '../request/doer.ts'
import { sendProblem } from '../problem/errors.ts'
import { moment, NO_FIELDS, plainText, realmId } from '../request/fields.ts'
import type { HttpOptions } from '../options.ts'
import { problemOf } from '../problem/problem.ts'
import { listCompanies } from './list-companies.ts'
import { SETTINGS } from './settings.ts'
import { showCompany } from './show-company.ts'
import { addRoute } from '../request/route.ts'
import { readBody, readParams, readQuery } from '../request/validate.ts'

const COMPANY_PARAMS = z.strictObject({ realmId })

// Intuit's tokens are opaque; the longest seen have about 1,000 characters.
const token = plainText(4096)

export const REGISTRATION = z
  .strictObject({
    refreshToken: token,
    accessToken: token.optional(),
    accessTokenExpiresAt: moment.optional(),
    name: plainText(200).optional(),
  })
  .refine((body) => body.accessToken === undefined || body.accessTokenExpiresAt !== undefined, {
    path: ['accessTokenExpiresAt'],
    message: 'must be there when accessToken is',
  })
  .refine((body) => body.accessTokenExpiresAt === undefined || body.accessToken !== undefined, {
    path: ['accessToken'],
    message: 'must be there when accessTokenExpiresAt is',
  })

export function addCompanyRoutes(router: IRouter, options: HttpOptions): void {
  addRoute(router, '/admin/companies', {
    get: async (request, response) => {
      response.json(await listCompanies(options, request))
    },
  })
  addRoute(router, '/admin/companies/:realmId', {
    get: async (request, response) => {
      const { realmId } = readParams(request, COMPANY_PARAMS)
      readQuery(request, NO_FIELDS)
      response.json(await showCompany(options, realmId))
    },
    patch: async (request, response) => {
      const { realmId } = readParams(request, COMPANY_PARAMS)
      readQuery(request, NO_FIELDS)
      await setCompany(options.database, realmId, readBody(request, SETTINGS), doerOf(response))
      response.json(await showCompany(options, realmId))
    },
    put: async (request, response) => {
      const { realmId } = readParams(request, COMPANY_PARAMS)
      readQuery(request, NO_FIELDS)
      await register(options, realmId, readBody(request, REGISTRATION), response)
    },
  })
  addOperation(router, options, 'pause', (realmId, by) => options.pauseCompany(realmId, by))
  addOperation(router, options, 'resume', (realmId, by) => options.resumeCompany(realmId, by))
  addOperation(router, options, 'disconnect', async (realmId, by) => ({
    notRevokedBecause: await options.disconnectCompany(realmId, by),
  }))
}

/** An action on a company that needs no body; answers with the company as it is afterwards. */
function addOperation(
  router: IRouter,
  options: HttpOptions,
  name: string,
  operate: (realmId: string, by: Doer) => Promise<object | void>,
): void {
  addRoute(router, `/admin/companies/:realmId/${name}`, {
    post: async (request, response) => {
      const { realmId } = readParams(request, COMPANY_PARAMS)
      readQuery(request, NO_FIELDS)
      readBody(request, NO_FIELDS)
      const outcome = await operate(realmId, doerOf(response))
      response.json({ ...(await showCompany(options, realmId)), ...outcome })
    },
  })
}

async function register(
  options: HttpOptions,
  realmId: string,
  body: z.output<typeof REGISTRATION>,
  response: Response,
): Promise<void> {
  try {
    const registration = {
      realmId,
      refreshToken: body.refreshToken,
      accessToken: body.accessToken ?? null,
      accessTokenExpiresAt: body.accessTokenExpiresAt ?? null,
      name: body.name ?? null,
    }
    const { created, request } = await options.registerCompany(registration, doerOf(response))
    if (created) response.status(201).location(`/admin/companies/${realmId}`)
    response.json({ ...(await showCompany(options, realmId)), request })
  } catch (thrown) {
    if (!(thrown instanceof LedgerError) || thrown.code !== 'needs_reauth') throw thrown
    // Not a conflict with the registered state: Intuit refuses the tokens in this body.
    sendProblem(response, { ...problemOf(thrown), status: 422 })
  }
}
