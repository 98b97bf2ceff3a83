import type { IRouter } from 'express'
import { z } from 'zod'
import { ENTITIES } from '../../domain/entity.ts'
import type { HttpOptions } from '../options.ts'
import { doerOf } from '../request/doer.ts'
import { NO_FIELDS, oneOf, realmId } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readBody, readParams, readQuery } from '../request/validate.ts'
import { answerAccepted } from '../sync/accepted.ts'
import { syncableCompany } from '../sync/syncable-company.ts'

const PARAMS = z.strictObject({ realmId, entity: oneOf(ENTITIES) })

/** A person confirms that the records of an entity, most of which vanished at once, are really gone. */
export function addDisappearanceRoutes(router: IRouter, options: HttpOptions): void {
  addRoute(router, '/admin/companies/:realmId/disappearances/:entity/confirm', {
    post: async (request, response) => {
      const { realmId, entity } = readParams(request, PARAMS)
      readQuery(request, NO_FIELDS)
      readBody(request, NO_FIELDS)
      await syncableCompany(options.database.knex, realmId)
      const confirmed = await options.confirmDisappearance(realmId, entity, doerOf(response))
      const { request: asked, missing, held } = confirmed
      await answerAccepted(options.database, response, { realmId, request: asked }, { entity, missing, held })
    },
  })
}
