import type { Response } from 'express'
import { readCallsPause } from '../../connections/service-state.ts'
import type { Database } from '../../db/database.ts'
import { Company } from '../../models/company.ts'

/** The request was accepted: says where to look for its result, and when. */
export async function answerAccepted(
  database: Database,
  response: Response,
  asked: { realmId: string; request: number },
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  response
    .status(202)
    .location(`/admin/companies/${asked.realmId}`)
    .set('Retry-After', String(await secondsToRun(database, asked.realmId)))
    .json({ ...asked, ...more })
}

// A company that changed little takes about a second.
const USUAL_SECONDS = 2

/** Until a run can have finished: longer if QuickBooks asked us to wait. */
async function secondsToRun({ knex, clock }: Database, realmId: string): Promise<number> {
  const now = clock.now()
  const company = await Company.query(knex).findById(realmId)
  const pause = await readCallsPause(knex, now)
  const start = Math.max(now.getTime(), company?.notBefore?.getTime() ?? 0, pause?.until.getTime() ?? 0)
  return Math.ceil((start - now.getTime()) / 1000) + USUAL_SECONDS
}
