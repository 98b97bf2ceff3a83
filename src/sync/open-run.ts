import { claimTrial, isTrialDue, readCallsPause } from '../connections/service-state.ts'
import { rowsOfPrepared, type Database, type Tx } from '../db/database.ts'
import type { CompanyStatus } from '../domain/company.ts'
import { SYNCED_STATUSES } from '../domain/company.ts'
import type { Entity } from '../domain/entity.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import type { Mode, Trigger } from '../domain/sync-run.ts'
import { abandonLapsedRuns } from './abandon-runs.ts'
import type { EntityState, Owed } from './entity-state.ts'
import type { RunFacts, RunProgress } from './run.ts'

/** Why no run was opened. `not_asked`: every request was served. `waiting`: a pause is in force. `held`: one is running. */
export type Skip = 'not_asked' | 'inactive' | 'waiting' | 'held'

export interface OpenedRun extends RunFacts, Pick<RunProgress, 'mode' | 'homeCurrency' | 'openRejects'> {
  /** How long ago the last calls of the previous run were sent. */
  readonly callAgesMs: readonly number[]
}

interface CompanyRow {
  readonly status: CompanyStatus
  readonly notBefore: Date | null
  readonly requestedSeq: number
  readonly fullRequestedSeq: number
  readonly personRequestedSeq: number
  readonly name: string | null
  readonly servedSeq: number
  readonly requestedMode: Mode
  readonly requestedTrigger: Trigger
  readonly homeCurrency: string | null
  readonly failuresInARow: number
  readonly callAgesMs: readonly number[]
  readonly statusChangedAt: Date
}

/** Takes the lease of a company: a running row of `sync_runs`, of which the database allows one per company. */
export async function openRun(database: Database, realmId: string): Promise<OpenedRun | Skip> {
  return database.transaction(async (tx) => {
    const opened = await tryToOpen(tx, realmId)
    if (opened !== 'held') return opened
    // A worker may reach a company whose process died before the tick does.
    const abandoned = await abandonLapsedRuns(tx, realmId)
    return abandoned.length === 0 ? 'held' : tryToOpen(tx, realmId)
  })
}

/** Opens a run unless there is a reason not to. */
async function tryToOpen(tx: Tx, realmId: string): Promise<OpenedRun | Skip> {
  const company = await lockCompany(tx, realmId)
  if (!company || !SYNCED_STATUSES.includes(company.status)) return 'inactive'
  if (company.requestedSeq <= company.servedSeq) return 'not_asked'
  if (company.notBefore && company.notBefore > tx.now) return 'waiting'
  const pause = await readCallsPause(tx.trx, tx.now)
  if (pause && !isTrialDue(pause, tx.now)) return 'waiting'
  const id = await insertRun(tx, realmId, company)
  if (id === null) return 'held'
  if (pause && !(await claimTrial(tx))) return withdraw(tx, id)
  return {
    id,
    realmId,
    companyName: company.name,
    trigger: company.requestedTrigger,
    mode: company.requestedMode,
    servedRequest: company.requestedSeq,
    fullRequest: company.fullRequestedSeq,
    byPerson: company.personRequestedSeq > company.servedSeq,
    startedAt: tx.now,
    homeCurrency: company.homeCurrency,
    failuresInARow: company.failuresInARow,
    callAgesMs: company.callAgesMs,
    statusChangedAt: company.statusChangedAt,
    states: await readStates(tx, realmId),
    openRejects: await readOpenRejects(tx, realmId),
  }
}

async function lockCompany(tx: Tx, realmId: string): Promise<CompanyRow | undefined> {
  const [company] = await rowsOfPrepared<CompanyRow>(
    tx.trx,
    `SELECT name, status, not_before AS "notBefore", requested_seq AS "requestedSeq",
            full_requested_seq AS "fullRequestedSeq", person_requested_seq AS "personRequestedSeq",
            served_seq AS "servedSeq",
            requested_mode AS "requestedMode", requested_trigger AS "requestedTrigger",
            home_currency AS "homeCurrency", failures_in_a_row AS "failuresInARow",
            status_changed_at AS "statusChangedAt",
            ARRAY(SELECT CAST(extract(epoch FROM clock_timestamp() - call_left_at) * 1000 AS float8)
                    FROM unnest(recent_calls) AS call_left_at) AS "callAgesMs"
       FROM companies
      WHERE realm_id = :realmId
        FOR UPDATE`,
    { realmId },
  )
  return company
}

async function insertRun(tx: Tx, realmId: string, company: CompanyRow): Promise<number | null> {
  const [row] = await rowsOfPrepared<{ id: number }>(
    tx.trx,
    `INSERT INTO sync_runs (realm_id, trigger, mode, status, started_at, served_request)
     VALUES (:realmId, :trigger, :mode, 'running', :now, :servedRequest)
     ON CONFLICT (realm_id) WHERE status = 'running' DO NOTHING
     RETURNING id`,
    {
      realmId,
      trigger: company.requestedTrigger,
      mode: company.requestedMode,
      now: tx.now,
      servedRequest: company.requestedSeq,
    },
  )
  return row?.id ?? null
}

/** Somebody else makes the one try that a stop allows. */
async function withdraw(tx: Tx, runId: number): Promise<'waiting'> {
  await tx.trx.raw('DELETE FROM sync_runs WHERE id = :runId', { runId })
  return 'waiting'
}

async function readStates(tx: Tx, realmId: string): Promise<Map<Entity, EntityState>> {
  const rows = await rowsOfPrepared<StateRow>(
    tx.trx,
    `SELECT entity, watermark, last_synced_at AS "lastSyncedAt", listing, mapping_version AS "mappingVersion",
            page_rows AS "pageRows", captured_until AS "capturedUntil",
            error_code AS code, error_message AS message, error_intuit_tid AS "intuitTid",
            error_failures AS failures, not_before AS "notBefore", owes
       FROM sync_states
      WHERE realm_id = :realmId`,
    { realmId },
  )
  return new Map(rows.map((row) => [row.entity, stateOfRow(row)]))
}

interface StateRow extends Omit<EntityState, 'trouble'> {
  readonly entity: Entity
  readonly code: ErrorCode | null
  readonly message: string | null
  readonly intuitTid: string | null
  readonly failures: number
  readonly notBefore: Date | null
  readonly owes: Owed | null
}

function stateOfRow({ code, message, intuitTid, failures, notBefore, owes, ...row }: StateRow): EntityState {
  const { watermark, lastSyncedAt, listing, mappingVersion, pageRows, capturedUntil } = row
  const isInTrouble = code !== null && owes !== null
  return {
    watermark,
    lastSyncedAt,
    listing,
    mappingVersion,
    pageRows,
    capturedUntil,
    trouble: isInTrouble ? { code, message: message ?? code, intuitTid, failures, notBefore, owes } : null,
  }
}

async function readOpenRejects(tx: Tx, realmId: string): Promise<Set<Entity>> {
  const rows = await rowsOfPrepared<{ entity: Entity }>(
    tx.trx,
    `SELECT DISTINCT entity FROM sync_rejects WHERE realm_id = :realmId AND resolved_at IS NULL`,
    { realmId },
  )
  return new Set(rows.map(({ entity }) => entity))
}
