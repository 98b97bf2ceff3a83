import type { IRouter } from 'express'
import type { Knex } from 'knex'
import { z } from 'zod'
import { LedgerError } from '../../domain/ledger-error.ts'
import { RUN_STATUSES } from '../../domain/sync-run.ts'
import { SyncRun } from '../../models/sync-run.ts'
import { cursorOf, page } from '../request/cursor.ts'
import { limit, moment, NO_FIELDS, oneOf, realmId, ROW_ID_DIGITS, rowId } from '../request/fields.ts'
import type { HttpOptions } from '../options.ts'
import { addRoute } from '../request/route.ts'
import { runJson } from './run-json.ts'
import { readParams, readQuery } from '../request/validate.ts'

const LIST = 'runs'

const RUNS_QUERY = z.strictObject({
  realmId: realmId.optional(),
  status: oneOf(RUN_STATUSES).optional(),
  since: moment.optional(),
  limit,
  cursor: cursorOf(LIST, ROW_ID_DIGITS),
})

const RUN_PARAMS = z.strictObject({ id: rowId })

export function addRunRoutes(router: IRouter, { database }: Pick<HttpOptions, 'database'>): void {
  addRoute(router, '/admin/sync/runs', {
    get: async (request, response) => {
      const query = readQuery(request, RUNS_QUERY)
      const runs = await readRuns(database.knex, query)
      response.json(page(runs, { list: LIST, limit: query.limit, keyOf: (run) => run.id }, runJson))
    },
  })
  addRoute(router, '/admin/sync/runs/:id', {
    get: async (request, response) => {
      const { id } = readParams(request, RUN_PARAMS)
      readQuery(request, NO_FIELDS)
      const run = await SyncRun.query(database.knex).findById(id)
      if (!run) throw new LedgerError('not_found', `there is no run ${id}`)
      response.json(runJson(run))
    },
  })
}

/** One more than requested, newest first. */
async function readRuns(knex: Knex, query: z.output<typeof RUNS_QUERY>): Promise<SyncRun[]> {
  const runs = SyncRun.query(knex).limit(query.limit + 1)
  if (query.cursor !== null) void runs.where('id', '<', Number(query.cursor))
  if (query.status !== undefined) void runs.where('status', query.status)
  if (query.since !== undefined) void runs.where('started_at', '>=', query.since)
  if (query.realmId === undefined) return runs.orderBy('id', 'desc')
  // One company's runs are found by their index and sorted. Ordered by the plain id, Postgres would walk the newest
  // runs of all companies, which for a company that stopped long ago means all runs.
  return runs.where('realm_id', query.realmId).orderByRaw('id + 0 DESC')
}
