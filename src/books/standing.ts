import type { Database } from '../db/database.ts'
import { rowsOfPrepared } from '../db/database.ts'
import { nameCompany, type CompanyStatus } from '../domain/company.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { explain, isLate, type Reason } from './company-state.ts'
import { COMPANY_COLUMNS, COMPANY_JOINS, type CompanyRow } from './company-rows.ts'
import type { Pinned } from './list-cursor.ts'
import { LISTS } from './lists.ts'
import type { Moment } from './moment.ts'

export interface BooksOptions {
  readonly database: Database
  /** How often companies are synced: the measure for a company without a promise of its own. */
  readonly intervalSeconds: number
}

/** How far an answer about one entity of a company can be trusted. */
export interface Mirror {
  readonly status: CompanyStatus
  readonly statusReason: Reason | null
  readonly whatToDo: string | null
  /** When the entity was last confirmed complete. */
  readonly lastSyncedAt: Date
  readonly lagSeconds: number
  readonly late: boolean
  /** Records of the company that could not be mirrored. */
  readonly rejects: number
  readonly asOf: string | null
  readonly sourceAsOf: string | null
  /** False while a transaction could still change what the answer says of its moment. */
  readonly settled: boolean
}

export interface Standing {
  readonly realmId: string
  readonly entity: Entity
  readonly moment: Moment
  /** The company's own date at the moment, by which its documents are overdue. */
  readonly today: string
  /** When the entity was last confirmed complete. */
  readonly confirmedAt: Date
  /** The watermark, or the registration where there is none. */
  readonly laggingSince: Date
  /** Whether the mirror held the entity completely at the moment: before that, a missing record means nothing. */
  readonly wasComplete: boolean
  /** Whether a newer version of any record of the entity was rejected, now or at the moment. */
  readonly hasRejects: boolean
  /** The QuickBooks environment the company is connected to; null if it never was. */
  readonly environment: string | null
  readonly mirror: Mirror
}

interface StandingQuestion extends Pick<Standing, 'realmId' | 'entity' | 'moment'> {
  /** What a list kept from its first page; null on the first page. */
  readonly pinned: Pinned | null
}

/**
 * What must be known about a company before its records are read. Read it first: then a run that finishes in between
 * makes rows fresher than stated, never staler, and writers are seen before the rows.
 *
 * @throws LedgerError `not_found`; `never_synced` if the mirror never held the entity completely.
 */
export async function readStanding(
  { database, intervalSeconds }: BooksOptions,
  { realmId, entity, moment, pinned }: StandingQuestion,
): Promise<Standing> {
  const now = database.clock.now()
  const [row] = await rowsOfPrepared<StandingRow>(database.knex, STANDING, {
    realmId,
    entity,
    now,
    ...moment,
  })
  if (!row) throw new LedgerError('not_found', `no company ${realmId} is registered`)
  if (row.lastSyncedAt === null) throw neverSynced(row, entity, now)
  const { environment, settled, hasRejects, wasComplete } = row
  const { today, confirmedAt, laggingSince } = pinned ?? { ...row, confirmedAt: row.lastSyncedAt }
  const lagSeconds = (now.getTime() - laggingSince.getTime()) / 1000
  return {
    realmId,
    entity,
    moment,
    today,
    environment,
    hasRejects,
    wasComplete,
    confirmedAt,
    laggingSince,
    mirror: {
      status: row.status,
      ...explain(row, now),
      lastSyncedAt: confirmedAt,
      lagSeconds,
      late: isLate(row, lagSeconds, intervalSeconds),
      rejects: row.rejects,
      ...moment,
      settled,
    },
  }
}

/**
 * The same for several entities at once: for the one confirmed complete longest ago, ignoring any that never was.
 *
 * @throws LedgerError `not_found`; `never_synced` if the mirror never held any of them completely.
 */
export async function readOldestStanding(
  options: BooksOptions,
  { realmId, entities, moment }: { realmId: string; entities: readonly Entity[]; moment: Moment },
): Promise<Standing> {
  const [oldest] = await rowsOfPrepared<{ entity: Entity }>(
    options.database.knex,
    `SELECT entity
       FROM sync_states
      WHERE realm_id = :realmId AND entity = ANY (:entities) AND last_synced_at IS NOT NULL
      ORDER BY last_synced_at
      LIMIT 1`,
    { realmId, entities: [...entities] },
  )
  return readStanding(options, { realmId, entity: oldest?.entity ?? entities[0]!, moment, pinned: null })
}

type StandingRow = CompanyRow & {
  readonly lastSyncedAt: Date | null
  /** The watermark, or the registration where there is none. */
  readonly laggingSince: Date
  readonly wasComplete: boolean
  readonly today: string
  readonly environment: string | null
  readonly settled: boolean
  readonly hasRejects: boolean
}

function neverSynced(row: StandingRow, entity: Entity, now: Date): LedgerError {
  const { statusReason } = explain(row, now)
  const because = statusReason === null ? '' : `: ${statusReason.message}`
  return new LedgerError(
    'never_synced',
    `no ${LISTS[entity]} of ${nameCompany(row)} have been read yet${because}`,
  )
}

/** The error for a missing record while the mirror did not hold the entity completely. */
export function notYetRead({ realmId, entity, moment }: Standing): LedgerError {
  return new LedgerError(
    'never_synced',
    `at ${moment.asOf} the ${LISTS[entity]} of company ${realmId} had not all been read yet`,
  )
}

// The moment of a present answer is the statement's own: later writers write after it.
const STANDING = `
  WITH asked AS MATERIALIZED (SELECT settled_before() AS settled_before)
  SELECT ${COMPANY_COLUMNS},
         s.last_synced_at AS "lastSyncedAt",
         coalesce(s.watermark, c.created_at) AS "laggingSince",
         coalesce(s.complete_since <= CAST(:asOf AS timestamptz), true) AS "wasComplete",
         company_date(coalesce(CAST(:sourceAsOf AS timestamptz), CAST(:asOf AS timestamptz), :now), c.time_zone) AS today,
         k.environment,
         coalesce(CAST(:asOf AS timestamptz), statement_timestamp()) < asked.settled_before AS settled,
         EXISTS (SELECT
                   FROM sync_rejects t
                  WHERE t.realm_id = :realmId AND t.entity = :entity
                    AND (t.resolved_at IS NULL OR t.resolved_at > CAST(:asOf AS timestamptz))) AS "hasRejects"
    FROM companies c
   CROSS JOIN asked
    LEFT JOIN sync_states s ON s.realm_id = c.realm_id AND s.entity = :entity
    LEFT JOIN connections k ON k.realm_id = c.realm_id
    ${COMPANY_JOINS}
   WHERE c.realm_id = :realmId`
