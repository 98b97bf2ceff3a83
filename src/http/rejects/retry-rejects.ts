import type { Doer } from '../../connections/record-event.ts'
import { rowsOf, type Database } from '../../db/database.ts'
import type { Mode } from '../../domain/sync-run.ts'
import type { HttpOptions } from '../options.ts'
import { requestCompany } from '../sync/request-company.ts'

/** Makes every open reject of a company due and asks for the run that tries them. */
export async function retryRejects(
  options: Pick<HttpOptions, 'database' | 'requestSync'>,
  realmId: string,
  by: Doer,
): Promise<{ request: number; mode: Mode; rejects: number }> {
  const { rejects, unreadable } = await makeDue(options.database, realmId)
  // A record with an unknown id can only be reached by listing everything.
  const mode = unreadable > 0 ? 'full' : 'incremental'
  const request = await requestCompany(options, realmId, { mode, by })
  return { request, mode, rejects }
}

/** @returns how many are open, and how many of those are known only by their place in a listing. */
async function makeDue(
  database: Database,
  realmId: string,
): Promise<{ rejects: number; unreadable: number }> {
  const due = await database.transaction((tx) =>
    rowsOf<{ readable: boolean }>(
      tx.trx,
      `UPDATE sync_rejects
          SET retry_at = :now
        WHERE realm_id = :realmId AND resolved_at IS NULL
        RETURNING qbo_id IS NOT NULL AS readable`,
      { realmId, now: tx.now },
    ),
  )
  return { rejects: due.length, unreadable: due.filter(({ readable }) => !readable).length }
}
