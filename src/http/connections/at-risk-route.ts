import type { IRouter } from 'express'
import { readConnectionsAtRisk } from '../../connections/read-at-risk.ts'
import type { HttpOptions } from '../options.ts'
import { NO_FIELDS } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readQuery } from '../request/validate.ts'

/** Connections that ended or will end, when, why and what to do, soonest first. All of them: they are few. */
export function addAtRiskRoute(router: IRouter, { database }: Pick<HttpOptions, 'database'>): void {
  addRoute(router, '/admin/connections/at-risk', {
    get: async (request, response) => {
      readQuery(request, NO_FIELDS)
      response.json({ data: await readConnectionsAtRisk(database) })
    },
  })
}
