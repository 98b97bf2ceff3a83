import type { Doer } from '../../connections/record-event.ts'
import { rowsOf, type Database } from '../../db/database.ts'
import type { Mode } from '../../domain/sync-run.ts'
import { SYNCED_STATUSES } from '../../domain/company.ts'
import type { HttpOptions } from '../options.ts'
import { GROUP } from './read-reject-groups.ts'
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

/**
 * The same for some rejects, of whichever companies: those chosen, or all of one reason. What belongs to a company that
 * is not read at present is left as it is.
 */
export async function retryChosenRejects(
  { database, requestSync }: Pick<HttpOptions, 'database' | 'requestSync'>,
  chosen: { readonly ids: readonly number[] } | { readonly group: string },
  by: Doer,
): Promise<{ rejects: number; companies: number }> {
  const due = await database.transaction((tx) =>
    rowsOf<{ realmId: string; readable: boolean }>(
      tx.trx,
      `UPDATE sync_rejects r
          SET retry_at = :now
         FROM companies c
        WHERE c.realm_id = r.realm_id AND c.status = ANY (:statuses) AND r.resolved_at IS NULL
          AND ${'ids' in chosen ? 'r.id = ANY (:ids)' : `${GROUP} = :group`}
        RETURNING r.realm_id AS "realmId", r.qbo_id IS NOT NULL AS readable`,
      {
        now: tx.now,
        statuses: [...SYNCED_STATUSES],
        ...('ids' in chosen ? { ids: [...chosen.ids] } : { group: chosen.group }),
      },
    ),
  )
  const companies = new Set(due.map(({ realmId }) => realmId))
  const listed = new Set(due.flatMap(({ realmId, readable }) => (readable ? [] : [realmId])))
  const read = [...companies].filter((realmId) => !listed.has(realmId))
  if (listed.size > 0) await requestSync([...listed], { mode: 'full', by })
  if (read.length > 0) await requestSync(read, { mode: 'incremental', by })
  return { rejects: due.length, companies: companies.size }
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
