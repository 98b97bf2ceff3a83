import type { IRouter } from 'express'
import { z } from 'zod'
import { LedgerError } from '../../domain/ledger-error.ts'
import { SyncRun } from '../../models/sync-run.ts'
import { cursorOf, listOf, page } from '../request/cursor.ts'
import { limit, NO_FIELDS, ROW_ID_DIGITS, rowId } from '../request/fields.ts'
import type { HttpOptions } from '../options.ts'
import { addRoute } from '../request/route.ts'
import { readRuns, RUN_FILTERS } from './read-runs.ts'
import { runJson } from './run-json.ts'
import { readParams, readQuery } from '../request/validate.ts'

/** The parameters of one list of runs. */
export function runsQuery(list: string) {
  return z.strictObject({ ...RUN_FILTERS, limit, cursor: cursorOf(list, ROW_ID_DIGITS) })
}

const RUN_PARAMS = z.strictObject({ id: rowId })

export function addRunRoutes(router: IRouter, { database }: Pick<HttpOptions, 'database'>): void {
  addRoute(router, '/admin/sync/runs', {
    get: async (request, response) => {
      const list = listOf(request, 'runs')
      const query = readQuery(request, runsQuery(list))
      const runs = await readRuns(database.knex, { ...query, most: query.limit + 1 })
      response.json(page(runs, { list, limit: query.limit, keyOf: (run) => run.id }, runJson))
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
