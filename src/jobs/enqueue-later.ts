import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'winston'
import { rowsOf, type Database, type Tx } from '../db/database.ts'

export interface LaterOptions {
  readonly database: Database
  readonly enqueue: (tx: Tx, realmIds: readonly string[]) => Promise<void>
  readonly log: Logger
  /** The end of the service. */
  readonly stop: AbortSignal
}

/**
 * Queues companies after a pause, those whose requests no run has served by then. A process that ends before leaves
 * them to the next tick, which finds every request.
 *
 * @param realmIds asked for when the pause is over.
 */
export async function enqueueLater(
  { database, enqueue, log, stop }: LaterOptions,
  afterMs: number,
  realmIds: () => readonly string[],
): Promise<void> {
  try {
    await wait(afterMs, undefined, { ref: false, signal: stop })
    const asked = realmIds()
    await database.transaction(async (tx) => enqueue(tx, await unservedOf(tx, asked)))
  } catch (error) {
    if (!stop.aborted) log.warn('requests could not be queued; the next tick will', { error })
  }
}

// One change in QuickBooks makes several events, which come one after another.
const GATHER_MS = 1_000

/**
 * Queues companies a moment after the first of them is given, all at once: what comes meanwhile is served by the same
 * run.
 */
export function createGatherer(options: LaterOptions): (realmIds: readonly string[]) => void {
  let gathered = new Set<string>()
  const take = () => {
    const taken = [...gathered]
    gathered = new Set()
    return taken
  }
  return (realmIds) => {
    if (gathered.size === 0 && realmIds.length > 0) void enqueueLater(options, GATHER_MS, take)
    for (const realmId of realmIds) gathered.add(realmId)
  }
}

async function unservedOf(tx: Tx, realmIds: readonly string[]): Promise<string[]> {
  const rows = await rowsOf<{ realmId: string }>(
    tx.trx,
    `SELECT realm_id AS "realmId" FROM companies WHERE realm_id = ANY (:realmIds) AND requested_seq > served_seq`,
    { realmIds: [...realmIds] },
  )
  return rows.map((row) => row.realmId)
}
