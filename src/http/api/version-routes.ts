import type { IRouter } from 'express'
import { z } from 'zod'
import { LISTS } from '../../books/lists.ts'
import { compareVersions, readVersions } from '../../books/versions/read-versions.ts'
import { ENTITIES, type Entity } from '../../domain/entity.ts'
import type { HttpOptions } from '../options.ts'
import { cursorAfter, cursorOf } from '../request/cursor.ts'
import { instant, limit, qboId, realmId } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readParams, readQuery } from '../request/validate.ts'

const PARAMS = z.strictObject({ realmId, qboId })
const COMPARE_QUERY = z.strictObject({
  from: instant.nullable().default(null),
  to: instant.nullable().default(null),
})

// Microseconds since 1970, up to the year 9999.
const MICROS_DIGITS = 18

/** The versions of one record of each kind, and what differs between any two of them. */
export function addVersionRoutes(router: IRouter, { database }: Pick<HttpOptions, 'database'>): void {
  for (const entity of ENTITIES) addVersionsOf(router, database, entity)
}

function addVersionsOf(router: IRouter, database: HttpOptions['database'], entity: Entity): void {
  const path = `/api/companies/:realmId/${LISTS[entity]}/:qboId/versions`
  addRoute(router, path, {
    get: async (request, response) => {
      const record = { entity, ...readParams(request, PARAMS) }
      const list = `${record.realmId}/${entity}/${record.qboId}/versions`
      const schema = z.strictObject({ limit, cursor: cursorOf(list, MICROS_DIGITS) })
      const { limit: most, cursor } = readQuery(request, schema)
      const { versions, next } = await readVersions(database, record, { after: cursor, limit: most })
      response.json({ data: versions, nextCursor: next === null ? null : cursorAfter(list, next) })
    },
  })
  addRoute(router, `${path}/compare`, {
    get: async (request, response) => {
      const record = { entity, ...readParams(request, PARAMS) }
      response.json(await compareVersions(database, record, readQuery(request, COMPARE_QUERY)))
    },
  })
}
