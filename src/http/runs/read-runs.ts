import type { Knex } from 'knex'
import type { QueryBuilder } from 'objection'
import type { z } from 'zod'
import { SYNCED_STATUSES } from '../../domain/company.ts'
import { ERROR_CODES } from '../../domain/ledger-error.ts'
import { RUN_STATUSES, TRIGGERS } from '../../domain/sync-run.ts'
import { Company } from '../../models/company.ts'
import { SyncRun } from '../../models/sync-run.ts'
import { moment, oneOf, realmId } from '../request/fields.ts'

/** What runs can be filtered by. */
export const RUN_FILTERS = {
  realmId: realmId.optional(),
  status: oneOf(RUN_STATUSES).optional(),
  code: oneOf(ERROR_CODES).optional(),
  trigger: oneOf(TRIGGERS).optional(),
  since: moment.optional(),
}

type RunFilters = z.output<z.ZodObject<typeof RUN_FILTERS>>

export interface RunsQuestion extends RunFilters {
  /** The id of the run after which the page begins; null: from the newest. */
  readonly cursor: string | null
  readonly most: number
}

/** Newest first. */
export async function readRuns(knex: Knex, question: RunsQuestion): Promise<SyncRun[]> {
  return matching(knex, question)
}

// A day of failures of a thousand companies.
const MOST_MATCHING = 5000

/** The companies of the newest runs that match, those that can be asked for again: active, or lapsed. */
export async function readCompaniesOfRuns(knex: Knex, filters: RunFilters): Promise<string[]> {
  const runs = await matching(knex, { ...filters, cursor: null, most: MOST_MATCHING }).select('realm_id')
  const companies = await Company.query(knex)
    .select('realm_id')
    .whereIn('realm_id', [...new Set(runs.map(({ realmId }) => realmId))])
    .whereIn('status', SYNCED_STATUSES)
    .orderBy('realm_id')
  return companies.map(({ realmId }) => realmId)
}

function matching(knex: Knex, question: RunsQuestion): QueryBuilder<SyncRun> {
  const runs = SyncRun.query(knex).limit(question.most)
  if (question.cursor !== null) void runs.where('id', '<', Number(question.cursor))
  if (question.status !== undefined) void runs.where('status', question.status)
  if (question.trigger !== undefined) void runs.where('trigger', question.trigger)
  if (question.since !== undefined) void runs.where('started_at', '>=', question.since)
  // No run that succeeded has an error: so the index of the others serves.
  if (question.code !== undefined) {
    void runs.where('error_code', question.code).whereNot('status', 'succeeded')
  }
  const { realmId: of } = question
  if (of === undefined) return runs.orderBy('id', 'desc')
  // Asked for by a range and ordered by both, Postgres has but one index to go by. By the plain id it may walk the
  // newest runs of all companies, which for a company that stopped long ago means all runs.
  return runs.whereBetween('realm_id', [of, of]).orderBy('realm_id', 'desc').orderBy('id', 'desc')
}
