import { wholeReport } from '../../domain/sync-run.ts'
import type { SyncRun } from '../../models/sync-run.ts'

/** A run as it is shown. */
export function runJson(run: SyncRun) {
  const { id, realmId, trigger, mode, status, startedAt, finishedAt } = run
  const { servedRequest, requests, meteredCalls } = run
  return {
    id,
    realmId,
    trigger,
    mode,
    status,
    startedAt,
    finishedAt,
    servedRequest,
    requests,
    meteredCalls,
    entities: wholeReport(run.entities),
    error:
      run.errorCode === null
        ? null
        : { code: run.errorCode, message: run.errorMessage, intuitTid: run.intuitTid },
  }
}
