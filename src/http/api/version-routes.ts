import type { IRouter } from 'express'
import { z } from 'zod'
import { LISTS } from '../../books/lists.ts'
import { NOW } from '../../books/moment.ts'
import { readStanding, type Mirror } from '../../books/standing.ts'
import { compareVersions, readVersions } from '../../books/versions/read-versions.ts'
import { ENTITIES, type Entity } from '../../domain/entity.ts'
import type { HttpOptions } from '../options.ts'
import { cursorAfter, cursorOf } from '../request/cursor.ts'
import { instant, limit, qboId, realmId } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readParams, readQuery } from '../request/validate.ts'

const PARAMS = z.strictObject({ realmId, qboId })
export const COMPARE_QUERY = z.strictObject({
  from: instant.nullable().default(null),
  to: instant.nullable().default(null),
})

// Microseconds since 1970, up to the year 9999.
const MICROS_DIGITS = 18

/** The parameters of the versions of one record. */
export function versionsQuery(list: string) {
  return z.strictObject({ limit, cursor: cursorOf(list, MICROS_DIGITS) })
}

/** The versions of one record of any entity, and what differs between any two of them. */
type Options = Pick<HttpOptions, 'database' | 'intervalSeconds'>

export function addVersionRoutes(router: IRouter, options: Options): void {
  for (const entity of ENTITIES) addVersionsOf(router, options, entity)
}

function addVersionsOf(router: IRouter, options: Options, entity: Entity): void {
  const { database } = options
  const path = `/api/companies/:realmId/${LISTS[entity]}/:qboId/versions`
  addRoute(router, path, {
    get: async (request, response) => {
      const record = { entity, ...readParams(request, PARAMS) }
      const list = `${record.realmId}/${entity}/${record.qboId}/versions`
      const { limit: most, cursor } = readQuery(request, versionsQuery(list))
      const mirror = await mirrorOf(options, record)
      const { versions, next } = await readVersions(database, record, { after: cursor, limit: most })
      response.json({ mirror, data: versions, nextCursor: next === null ? null : cursorAfter(list, next) })
    },
  })
  addRoute(router, `${path}/compare`, {
    get: async (request, response) => {
      const record = { entity, ...readParams(request, PARAMS) }
      const query = readQuery(request, COMPARE_QUERY)
      const mirror = await mirrorOf(options, record)
      response.json({ mirror, ...(await compareVersions(database, record, query)) })
    },
  })
}

/** Read before the versions: one written in between makes them fresher than stated, never staler. */
async function mirrorOf(options: Options, record: { realmId: string; entity: Entity }): Promise<Mirror> {
  return (await readStanding(options, { ...record, moment: NOW, pinned: null })).mirror
}
