import type { IRouter, Response } from 'express'
import { z } from 'zod'
import { readBalanceSeries, STEPS } from '../../books/balance-series.ts'
import { LISTS } from '../../books/lists.ts'
import type { Moment } from '../../books/moment.ts'
import { readList } from '../../books/read-list.ts'
import { readRecord } from '../../books/read-record.ts'
import { ENTITIES, type Entity } from '../../domain/entity.ts'
import type { HttpOptions } from '../options.ts'
import { date, oneOf, qboId, realmId } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readParams, readQuery } from '../request/validate.ts'
import { AGE_FIELDS, listQuery, MOMENT_FIELDS } from './list-query.ts'
import { syncIfOlder } from './sync-if-older.ts'

export function addMirrorRoutes(router: IRouter, options: HttpOptions): void {
  for (const entity of ENTITIES) {
    addListRoute(router, options, entity)
    addRecordRoute(router, options, entity)
  }
  addSeriesRoute(router, options)
}

const LIST_PARAMS = z.strictObject({ realmId })
const RECORD_PARAMS = z.strictObject({ realmId, qboId })
export const RECORD_QUERY = z.strictObject({ ...MOMENT_FIELDS, ...AGE_FIELDS })
export const SERIES_QUERY = z.strictObject({
  from: date.nullable().default(null),
  to: date.nullable().default(null),
  step: oneOf(STEPS).default('day'),
})

function addListRoute(router: IRouter, options: HttpOptions, entity: Entity): void {
  const schema = listQuery(entity)
  addRoute(router, `/api/companies/:realmId/${LISTS[entity]}`, {
    get: async (request, response) => {
      const { realmId } = readParams(request, LIST_PARAMS)
      const query = readQuery(request, schema)
      const { limit, cursor, sort, expand, asOf, sourceAsOf, maxAgeSeconds, ...filters } = query
      const moment = { asOf, sourceAsOf }
      // A later page shows the same mirror as its first page, however old.
      const maxAge = cursor === null ? maxAgeSeconds : null
      await freshen(options, { realmId, entity, moment, maxAge }, response)
      const withLines = expand === 'lines'
      response.json(
        await readList(options, { realmId, entity, moment, filters, order: sort, cursor, limit, withLines }),
      )
    },
  })
}

function addRecordRoute(router: IRouter, options: HttpOptions, entity: Entity): void {
  addRoute(router, `/api/companies/:realmId/${LISTS[entity]}/:qboId`, {
    get: async (request, response) => {
      const { realmId, qboId } = readParams(request, RECORD_PARAMS)
      const { asOf, sourceAsOf, maxAgeSeconds } = readQuery(request, RECORD_QUERY)
      const moment = { asOf, sourceAsOf }
      await freshen(options, { realmId, entity, moment, maxAge: maxAgeSeconds }, response)
      response.json(await readRecord(options, { realmId, entity, qboId, moment }))
    },
  })
}

function addSeriesRoute(router: IRouter, options: HttpOptions): void {
  addRoute(router, '/api/companies/:realmId/balances/:qboId/series', {
    get: async (request, response) => {
      const params = readParams(request, RECORD_PARAMS)
      response.json(await readBalanceSeries(options, { ...params, ...readQuery(request, SERIES_QUERY) }))
    },
  })
}

/** No sync changes what the mirror held in the past. */
async function freshen(
  options: HttpOptions,
  wanted: { realmId: string; entity: Entity; moment: Moment; maxAge: number | null },
  response: Response,
): Promise<void> {
  const { realmId, entity, moment, maxAge } = wanted
  if (maxAge !== null && moment.asOf === null) {
    await syncIfOlder(options, { realmId, entity, maxAgeSeconds: maxAge }, response)
  }
}
