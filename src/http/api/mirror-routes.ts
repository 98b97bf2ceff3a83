import type { IRouter, Request } from 'express'
import { z } from 'zod'
import { unknownCompany } from '../../connections/change-status.ts'
import type { Database } from '../../db/database.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import { Company } from '../../models/company.ts'
import { SyncState } from '../../models/sync-state.ts'
import { companyDate } from './company-date.ts'
import { page } from '../request/cursor.ts'
import { NO_FIELDS, qboId, realmId } from '../request/fields.ts'
import { listSelection } from './list-selection.ts'
import type { HttpOptions } from '../options.ts'
import { readRecords, type RecordRow, type ShownEntity } from './read-records.ts'
import { addRoute } from '../request/route.ts'
import { BALANCES, BILLS, INVOICES, type Shown } from './shown-records.ts'
import { readParams, readQuery } from '../request/validate.ts'

export function addMirrorRoutes(router: IRouter, { database }: Pick<HttpOptions, 'database'>): void {
  addRecordRoutes(router, database, BILLS)
  addRecordRoutes(router, database, INVOICES)
  addRecordRoutes(router, database, BALANCES)
}

const LIST_PARAMS = z.strictObject({ realmId })
const RECORD_PARAMS = z.strictObject({ realmId, qboId })

function addRecordRoutes<Of extends ShownEntity>(
  router: IRouter,
  database: Database,
  shown: Shown<Of>,
): void {
  addRoute(router, `/api/companies/:realmId/${shown.list}`, {
    get: async (request, response) => {
      const { realmId } = readParams(request, LIST_PARAMS)
      const query = readQuery(request, shown.query)
      const standing = await readStanding(database, realmId, shown.entity)
      const rows = await readRecords(
        database.knex,
        shown.entity,
        shown,
        listSelection(shown, query, standing),
      )
      const paging = { list: shown.list, limit: query.limit, keyOf: (row: RecordRow<Of>) => row.qboId }
      response.json(page(rows, paging, (row) => shown.show(row, standing.confirmedAt)))
    },
  })
  addRoute(router, `/api/companies/:realmId/${shown.list}/:qboId`, {
    get: async (request, response) => {
      response.json(await readRecord(request, database, shown))
    },
  })
}

/** Asked for by its id a record is shown even when it was deleted: `deletedAt` says so. */
async function readRecord<Of extends ShownEntity>(
  request: Request,
  database: Database,
  shown: Shown<Of>,
): Promise<object> {
  const { realmId, qboId } = readParams(request, RECORD_PARAMS)
  readQuery(request, NO_FIELDS)
  const standing = await readStanding(database, realmId, shown.entity)
  const [row] = await readRecords(database.knex, shown.entity, shown, {
    conditions: ['d.realm_id = :realmId', 'd.qbo_id = :qboId'],
    bindings: { realmId, qboId, today: standing.today },
    limit: 1,
  })
  if (!row) throw new LedgerError('not_found', `company ${realmId} has no ${shown.entity} ${qboId}`)
  return shown.show(row, standing.confirmedAt)
}

interface Standing {
  readonly realmId: string
  /** The company's own date. */
  readonly today: string
  readonly confirmedAt: Date | null
}

/** Read before the rows: a run that finishes in between makes them fresher than they are said to be, never staler. */
async function readStanding(database: Database, realmId: string, entity: ShownEntity): Promise<Standing> {
  const company = await Company.query(database.knex).findById(realmId)
  if (!company) throw unknownCompany(realmId)
  const state = await SyncState.query(database.knex).findById([realmId, entity])
  return {
    realmId,
    today: companyDate(database.clock.now(), company.timeZone),
    confirmedAt: state?.lastSyncedAt ?? null,
  }
}
