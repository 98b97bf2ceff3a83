import type { IRouter, Request } from 'express'
import { z } from 'zod'
import type { ListedChange } from '../../books/changes/listed-change.ts'
import { readChanges } from '../../books/changes/read-changes.ts'
import { NOW } from '../../books/moment.ts'
import { readOldestStanding } from '../../books/standing.ts'
import { ENTITIES } from '../../domain/entity.ts'
import type { HttpOptions } from '../options.ts'
import { listOf } from '../request/cursor.ts'
import { limit, NO_FIELDS, oneOf, realmId } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readParams, readQuery } from '../request/validate.ts'
import { placeOf, sealPlace } from './change-cursor.ts'
import { CHANGE_FILTERS } from './change-query.ts'

type Options = Pick<HttpOptions, 'database' | 'intervalSeconds'>

/** The parameters of one feed; a cursor belongs to its list. */
export function changesQuery(list: string) {
  return z
    .strictObject({
      ...CHANGE_FILTERS,
      order: oneOf(['asc', 'desc']).default('asc'),
      limit,
      cursor: placeOf(list).nullable().default(null),
      after: placeOf(null).nullable().default(null),
    })
    .refine(({ cursor, after }) => cursor === null || after === null, {
      path: ['after'],
      error: 'cannot be combined with cursor, which already says where to continue',
    })
}

/** The feed of one company and the feed of all. */
export function addChangeRoutes(router: IRouter, options: Options): void {
  addRoute(router, '/api/companies/:realmId/changes', {
    get: async (request, response) => {
      const { realmId: company } = readParams(request, z.strictObject({ realmId }))
      response.json(await answer(options, request, company))
    },
  })
  addRoute(router, '/api/changes', {
    get: async (request, response) => {
      readParams(request, NO_FIELDS)
      response.json(await answer(options, request, null))
    },
  })
}

async function answer(options: Options, request: Request, company: string | null) {
  const list = listOf(request, 'changes', company)
  const query = readQuery(request, changesQuery(list))
  const { entity, order, since, until, change, counterparty, minAmount } = query
  const entities = entity === null ? ENTITIES : [entity]
  // There is no single freshness for all companies: each company's own feed gives its own.
  const standing =
    company === null ? null : await readOldestStanding(options, { realmId: company, entities, moment: NOW })
  const page = await readChanges(options.database, {
    range: { realmId: company, entities, order, since, until },
    filter: { change, counterparty, minAmount, syncRunId: null },
    after: query.cursor ?? query.after,
    limit: query.limit,
  })
  return {
    ...(standing && { mirror: standing.mirror }),
    data: page.changes.map(changeJson),
    nextCursor: page.hasMore && page.reached ? sealPlace(page.reached, list) : null,
    // Newest first, later changes come before everything already shown.
    resumeAfter: order === 'asc' && page.reached ? sealPlace(page.reached, null) : null,
  }
}

function changeJson({ place, ...change }: ListedChange) {
  return { cursor: sealPlace(place, null), ...change }
}
