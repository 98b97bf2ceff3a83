import type { ErrorCode } from '../domain/ledger-error.ts'
import type { KeptReport, Mode, RunStatus, Trigger } from '../domain/sync-run.ts'
import { LedgerModel } from './ledger-model.ts'

/** A row of `sync_runs`. */
export class SyncRun extends LedgerModel {
  static override get tableName(): string {
    return 'sync_runs'
  }

  declare id: number
  declare realmId: string
  declare trigger: Trigger
  declare mode: Mode
  declare status: RunStatus
  declare startedAt: Date
  declare finishedAt: Date | null
  declare heartbeatAt: Date
  declare servedRequest: number
  declare requests: number
  declare meteredCalls: number
  declare changed: boolean
  declare entities: KeptReport
  declare errorCode: ErrorCode | null
  declare errorMessage: string | null
  declare intuitTid: string | null
}
