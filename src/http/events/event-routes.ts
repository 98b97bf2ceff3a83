import type { IRouter, Request } from 'express'
import { z } from 'zod'
import type { Database } from '../../db/database.ts'
import { CompanyEvent } from '../../models/company-event.ts'
import type { HttpOptions } from '../options.ts'
import { cursorOf, listOf, page } from '../request/cursor.ts'
import { limit, realmId, ROW_ID_DIGITS } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readParams, readQuery } from '../request/validate.ts'

/** The parameters of one list of events. */
export function eventsQuery(list: string) {
  return z.strictObject({ limit, cursor: cursorOf(list, ROW_ID_DIGITS) })
}

const PARAMS = z.strictObject({ realmId })

/** What happened to companies and who did it, newest first; purged companies included. */
export function addEventRoutes(router: IRouter, { database }: Pick<HttpOptions, 'database'>): void {
  addRoute(router, '/admin/events', {
    get: async (request, response) => {
      response.json(await listEvents(database, request, null))
    },
  })
  addRoute(router, '/admin/companies/:realmId/events', {
    get: async (request, response) => {
      const { realmId: of } = readParams(request, PARAMS)
      response.json(await listEvents(database, request, of))
    },
  })
}

async function listEvents({ knex }: Database, request: Request, of: string | null) {
  const list = listOf(request, 'events', of)
  const { limit: most, cursor } = readQuery(request, eventsQuery(list))
  const events = CompanyEvent.query(knex)
    .orderBy('id', 'desc')
    .limit(most + 1)
  if (of !== null) void events.where('realm_id', of)
  if (cursor !== null) void events.where('id', '<', Number(cursor))
  return page(await events, { list, limit: most, keyOf: ({ id }) => id }, eventJson)
}

function eventJson({ at, realmId: of, kind, actor, detail, requestId }: CompanyEvent) {
  return { at, realmId: of, kind, actor, detail, requestId }
}
