import type { Logger } from 'winston'
import type { StopChange } from '../domain/service-stop.ts'
import { whatToDo } from '../domain/what-to-do.ts'

/** One line when all calls stop and one when they go on, from the process whose transaction did it. */
export function logStop(log: Logger, change: StopChange | null): void {
  if (change === null) return
  const { kind, code } = change
  if (kind === 'resumed') {
    log.info('calls to QuickBooks go on', { code, stoppedSince: change.stoppedSince })
    return
  }
  const { reason, until } = change
  log.error('all calls to QuickBooks are stopped', { code, reason, until, whatToDo: whatToDo(code) })
}
