import type { IRouter } from 'express'
import { z } from 'zod'
import type { Database } from '../../db/database.ts'
import { CompanyEvent } from '../../models/company-event.ts'
import type { HttpOptions } from '../options.ts'
import { cursorOf, page } from '../request/cursor.ts'
import { limit, realmId, ROW_ID_DIGITS } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readParams, readQuery } from '../request/validate.ts'

const LIST = 'events'
export const EVENTS_QUERY = z.strictObject({ limit, cursor: cursorOf(LIST, ROW_ID_DIGITS) })
const PARAMS = z.strictObject({ realmId })

/** What happened to companies and who did it, newest first; purged companies included. */
export function addEventRoutes(router: IRouter, { database }: Pick<HttpOptions, 'database'>): void {
  addRoute(router, '/admin/events', {
    get: async (request, response) => {
      const query = readQuery(request, EVENTS_QUERY)
      response.json(pageOf(await readEvents(database, query), query.limit))
    },
  })
  addRoute(router, '/admin/companies/:realmId/events', {
    get: async (request, response) => {
      const { realmId: of } = readParams(request, PARAMS)
      const query = readQuery(request, EVENTS_QUERY)
      response.json(pageOf(await readEvents(database, query, of), query.limit))
    },
  })
}

/** One more than requested. */
async function readEvents(
  { knex }: Database,
  query: z.output<typeof EVENTS_QUERY>,
  of?: string,
): Promise<CompanyEvent[]> {
  const events = CompanyEvent.query(knex)
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (of !== undefined) void events.where('realm_id', of)
  if (query.cursor !== null) void events.where('id', '<', Number(query.cursor))
  return events
}

function pageOf(events: readonly CompanyEvent[], most: number) {
  return page(events, { list: LIST, limit: most, keyOf: ({ id }) => id }, eventJson)
}

function eventJson({ at, realmId: of, kind, actor, detail, requestId }: CompanyEvent) {
  return { at, realmId: of, kind, actor, detail, requestId }
}
