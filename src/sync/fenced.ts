import { rowsOfPrepared, type Tx } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { beat, HEARTBEAT_MS } from './keep-lease.ts'
import { callTotals, noteRecorded, recordCallsByDay } from './record-calls.ts'
import { raiseTotals, type Increment } from './raise-totals.ts'
import type { Run } from './run.ts'

/**
 * One transaction of a run. It begins by locking the run's lease, so that nobody can take it until the transaction
 * ends: a process that was paused and wakes up writes nothing. The calls made since the last transaction are recorded
 * with it. So is a heartbeat if it takes long: others could not get past its lock, and the lease would have lapsed the
 * moment it ends.
 *
 * @param work may return totals to raise.
 * @throws LedgerError `lease_lost` when the run is no longer the company's running one.
 */
export async function fenced(run: Run, work: (tx: Tx) => Promise<Increment[] | void>): Promise<void> {
  const calls = [...run.unrecordedCalls]
  await run.database.transaction(async (tx) => {
    await holdLease(tx, run.id)
    const increments = (await work(tx)) ?? []
    await recordCallsByDay(tx, run.realmId, calls)
    await raiseTotals(tx, [...increments, ...callTotals(tx, run.realmId, calls)])
    if (isLong(run, tx)) await beat(tx.trx, run.id)
  })
  noteRecorded(run, calls)
}

function isLong(run: Run, tx: Tx): boolean {
  return run.database.clock.now().getTime() - tx.now.getTime() >= HEARTBEAT_MS
}

async function holdLease(tx: Tx, runId: number): Promise<void> {
  const held = await rowsOfPrepared(
    tx.trx,
    `SELECT id FROM sync_runs WHERE id = :runId AND status = 'running' FOR SHARE`,
    { runId },
  )
  if (held.length === 0) {
    throw new LedgerError('lease_lost', `run ${runId} no longer holds its company`)
  }
}
