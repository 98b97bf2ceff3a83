import type { Request, Response } from 'express'
import { z } from 'zod'
import { setCompany } from '../../connections/set-company.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { MODES } from '../../domain/sync-run.ts'
import { SETTINGS } from '../../http/companies/settings.ts'
import { showCompany } from '../../http/companies/show-company.ts'
import { retryRejects } from '../../http/rejects/retry-rejects.ts'
import { oneOf, realmId } from '../../http/request/fields.ts'
import { readBody, readParams } from '../../http/request/validate.ts'
import { requestCompany } from '../../http/sync/request-company.ts'
import { syncableCompany } from '../../http/sync/syncable-company.ts'
import { doerOf } from '../doer.ts'
import { companyPath } from '../entities.ts'
import type { ConsoleOptions } from '../options.ts'
import { addAction, type Pages } from '../pages.ts'

const PARAMS = z.strictObject({ realmId })
const SYNC = z.strictObject({ mode: oneOf(MODES).default('incremental') })
const DOUBT = z.strictObject({ entity: oneOf(ENTITIES) })
const NOTHING = z.strictObject({})

/** What the buttons of a company do: the same as the API, by whoever is signed in. */
export function addCompanyActions(pages: Pages, options: ConsoleOptions): void {
  const { database } = options
  const onCompany = (
    name: string,
    act: (realmId: string, request: Request, response: Response) => Promise<string | void>,
  ) =>
    addAction(pages, companyPath(':realmId', name), async (request, response) => {
      const { realmId } = readParams(request, PARAMS)
      return (await act(realmId, request, response)) ?? companyPath(realmId)
    })

  onCompany('sync', async (realmId, request, response) => {
    const { mode } = readBody(request, SYNC)
    await syncableCompany(database.knex, realmId)
    await requestCompany(options, realmId, { mode, by: doerOf(response) })
    return companyPath(realmId, 'runs')
  })
  onCompany('pause', async (realmId, request, response) => {
    readBody(request, NOTHING)
    await options.pauseCompany(realmId, doerOf(response))
  })
  onCompany('resume', async (realmId, request, response) => {
    readBody(request, NOTHING)
    await options.resumeCompany(realmId, doerOf(response))
  })
  onCompany('disconnect', async (realmId, request, response) => {
    readBody(request, NOTHING)
    await options.disconnectCompany(realmId, doerOf(response))
    return companyPath(realmId, 'connection')
  })
  onCompany('retry', async (realmId, request, response) => {
    readBody(request, NOTHING)
    await syncableCompany(database.knex, realmId)
    await retryRejects(options, realmId, doerOf(response))
    return companyPath(realmId, 'runs')
  })
  onCompany('confirm', async (realmId, request, response) => {
    const { entity } = readBody(request, DOUBT)
    await syncableCompany(database.knex, realmId)
    await options.confirmDisappearance(realmId, entity, doerOf(response))
    return companyPath(realmId, 'runs')
  })
  onCompany('settings', async (realmId, request, response) => {
    const said = readSettings(request)
    const company = await showCompany(options, realmId)
    // What stays as it was is not said by the firm: QuickBooks may go on changing it.
    const changed = Object.entries(said).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(company[name as keyof typeof said]),
    )
    await setCompany(database, realmId, Object.fromEntries(changed), doerOf(response))
    return companyPath(realmId, 'connection')
  })
}

const FORM = z.strictObject({
  name: z.string(),
  timeZone: z.string(),
  tags: z.string(),
  maxLagMinutes: z.string(),
})

/** A field left empty means that QuickBooks' own value, or the default, serves again. */
function readSettings(request: Request): z.output<typeof SETTINGS> {
  const { name, timeZone, tags, maxLagMinutes } = readBody(request, FORM)
  request.body = {
    name: name.trim() || null,
    timeZone: timeZone.trim() || null,
    tags: tags
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
    maxLagMinutes: maxLagMinutes.trim() === '' ? null : Number(maxLagMinutes),
  }
  return readBody(request, SETTINGS)
}
