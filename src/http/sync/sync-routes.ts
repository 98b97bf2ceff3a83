import type { IRouter } from 'express'
import { z } from 'zod'
import { MODES } from '../../domain/sync-run.ts'
import { answerAccepted } from './accepted.ts'
import { doerOf } from '../request/doer.ts'
import { NO_FIELDS, oneOf, realmId, textLike } from '../request/fields.ts'
import type { HttpOptions } from '../options.ts'
import { requestCompany } from './request-company.ts'
import { addRoute } from '../request/route.ts'
import { runJson } from '../runs/run-json.ts'
import { syncableCompany } from './syncable-company.ts'
import { readBody, readParams, readQuery } from '../request/validate.ts'
import { waitForAnswer } from './wait-for-run.ts'

export const SYNC_BODY = z.strictObject({ mode: oneOf(MODES).default('incremental') })
const SYNC_PARAMS = z.strictObject({ realmId })
export const SYNC_QUERY = z.strictObject({
  wait: textLike(/^(?:[1-9]|1\d|2[0-5])$/, 'must be a whole number of seconds from 1 to 25')
    .transform(Number)
    .nullable()
    .default(null),
})

export function addSyncRoutes(router: IRouter, options: HttpOptions): void {
  addRoute(router, '/admin/sync', {
    post: async (request, response) => {
      readQuery(request, NO_FIELDS)
      const asked = await options.requestSync('all', {
        ...readBody(request, SYNC_BODY),
        by: doerOf(response),
      })
      response.status(202).json({ requested: [...asked.keys()].sort() })
    },
  })
  addRoute(router, '/admin/sync/:realmId', {
    post: async (request, response) => {
      const { realmId } = readParams(request, SYNC_PARAMS)
      const { wait } = readQuery(request, SYNC_QUERY)
      const { mode } = readBody(request, SYNC_BODY)
      await syncableCompany(options.database.knex, realmId)
      const asked = await requestCompany(options, realmId, { mode, by: doerOf(response) })
      const run =
        wait === null ? null : await waitForAnswer(options, { realmId, request: asked, wait }, response)
      if (run) response.json({ realmId, request: asked, run: runJson(run) })
      else await answerAccepted(options.database, response, { realmId, request: asked }, { run: null })
    },
  })
}
