import type { IRouter } from 'express'
import { z } from 'zod'
import { unknownCompany } from '../../connections/change-status.ts'
import type { Database } from '../../db/database.ts'
import { Company } from '../../models/company.ts'
import { SyncReject } from '../../models/sync-reject.ts'
import { answerAccepted } from '../sync/accepted.ts'
import { cursorOf, listOf, page } from '../request/cursor.ts'
import { doerOf } from '../request/doer.ts'
import { flag, limit, NO_FIELDS, realmId, ROW_ID_DIGITS } from '../request/fields.ts'
import type { HttpOptions } from '../options.ts'
import { addRoute } from '../request/route.ts'
import { retryRejects } from './retry-rejects.ts'
import { syncableCompany } from '../sync/syncable-company.ts'
import { readBody, readParams, readQuery } from '../request/validate.ts'

/** The parameters of one list of rejects. */
export function rejectsQuery(list: string) {
  return z.strictObject({ resolved: flag, limit, cursor: cursorOf(list, ROW_ID_DIGITS) })
}

type RejectsQuery = z.output<ReturnType<typeof rejectsQuery>>

const REJECTS_PARAMS = z.strictObject({ realmId })

export function addRejectRoutes(router: IRouter, options: HttpOptions): void {
  addRoute(router, '/admin/companies/:realmId/rejects', {
    get: async (request, response) => {
      const { realmId } = readParams(request, REJECTS_PARAMS)
      const list = listOf(request, 'rejects', realmId)
      const query = readQuery(request, rejectsQuery(list))
      const rejects = await readRejects(options.database, realmId, query)
      response.json(page(rejects, { list, limit: query.limit, keyOf: ({ id }) => id }, rejectJson))
    },
  })
  addRoute(router, '/admin/companies/:realmId/rejects/retry', {
    post: async (request, response) => {
      const { realmId } = readParams(request, REJECTS_PARAMS)
      readQuery(request, NO_FIELDS)
      readBody(request, NO_FIELDS)
      await syncableCompany(options.database.knex, realmId)
      const { request: asked, mode, rejects } = await retryRejects(options, realmId, doerOf(response))
      await answerAccepted(options.database, response, { realmId, request: asked }, { mode, rejects })
    },
  })
}

/** One more than requested, oldest first. */
async function readRejects({ knex }: Database, realmId: string, query: RejectsQuery): Promise<SyncReject[]> {
  if (!(await Company.query(knex).findById(realmId))) throw unknownCompany(realmId)
  const rejects = SyncReject.query(knex)
    .where('realm_id', realmId)
    .where('id', '>', Number(query.cursor ?? 0))
    .orderBy('id')
    .limit(query.limit + 1)
  return query.resolved ? rejects.whereNotNull('resolved_at') : rejects.whereNull('resolved_at')
}

function rejectJson(reject: SyncReject) {
  const { id, entity, qboId, position, code, reason, intuitTid, payload } = reject
  const { firstSeenAt, lastSeenAt, attempts, retryAt, resolvedAt } = reject
  return {
    id,
    entity,
    qboId,
    position,
    code,
    reason,
    intuitTid,
    firstSeenAt,
    lastSeenAt,
    attempts,
    retryAt,
    resolvedAt,
    payload,
  }
}
