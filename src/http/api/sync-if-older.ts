import type { Response } from 'express'
import { LedgerError } from '../../domain/ledger-error.ts'
import type { Entity } from '../../domain/entity.ts'
import { SyncState } from '../../models/sync-state.ts'
import { doerOf } from '../request/doer.ts'
import type { HttpOptions } from '../options.ts'
import { requestCompany } from '../sync/request-company.ts'
import { syncableCompany } from '../sync/syncable-company.ts'
import { waitForAnswer } from '../sync/wait-for-run.ts'

// Routers in front of us cut a request off after 30 seconds.
const WAIT_SECONDS = 25

/**
 * Syncs a company first if its mirror of an entity is older than requested. If that takes too long, the request does
 * not wait: the answer says how old it is and, for a company that is not synced, why.
 */
export async function syncIfOlder(
  options: HttpOptions,
  { realmId, entity, maxAgeSeconds }: { realmId: string; entity: Entity; maxAgeSeconds: number },
  response: Response,
): Promise<void> {
  const { knex, clock } = options.database
  const state = await SyncState.query(knex).findById([realmId, entity])
  const age = state?.lastSyncedAt ? (clock.now().getTime() - state.lastSyncedAt.getTime()) / 1000 : Infinity
  if (age <= maxAgeSeconds) return
  try {
    await syncableCompany(knex, realmId)
    const request = await requestCompany(options, realmId, { mode: 'incremental', by: doerOf(response) })
    await waitForAnswer(options, { realmId, request, wait: WAIT_SECONDS }, response)
  } catch (thrown) {
    if (!(thrown instanceof LedgerError && NOT_SYNCED.has(thrown.code))) throw thrown
  }
}

// A company that is paused, disconnected, refused by Intuit or lapsed.
const NOT_SYNCED: ReadonlySet<string> = new Set(['company_inactive', 'needs_reauth', 'company_unavailable'])
