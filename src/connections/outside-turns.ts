import { rowsOf, type Database, type Tx } from '../db/database.ts'
import { OUTSIDE_CALLS_AT_ONCE, OUTSIDE_PACE, waitForTurnMs, type InTurn } from '../domain/pace.ts'

// How often to check again while the allowed number of calls is under way.
const CROWDED_WAIT_MS = 250
// No call outside a run lasts longer: one still under way after this belongs to a process that died.
const LONGEST_CALL_SECONDS = 60
// The longest stretch that the pace considers, with time to spare.
const KEPT_SECONDS = 600

interface Left<Result> {
  readonly id: number
  readonly answer: Promise<Result>
}

/**
 * Paces calls made outside runs, through Postgres and by its clock: whichever process makes them, and even before the
 * company is registered, they keep to their share of its pace.
 */
export function outsideTurns(database: Database, realmId: string): InTurn {
  return async (call) => {
    for (;;) {
      const left = await database.transaction((tx) => leaveInTurn(tx, realmId, call))
      if (typeof left !== 'number') return await ended(database, left)
      await database.clock.sleep(left)
    }
  }
}

/**
 * The call leaves under the lock, and its time is read afterwards: however slow this process or Postgres is, the call
 * never appears to have left earlier than it did.
 *
 * @returns how many milliseconds to wait before trying again, if it did not leave.
 */
async function leaveInTurn<Result>(
  tx: Tx,
  realmId: string,
  call: () => Promise<Result>,
): Promise<number | Left<Result>> {
  await tx.trx.raw('SELECT pg_advisory_xact_lock(hashtextextended(:realmId, 0))', { realmId })
  const before = await readCalls(tx, realmId)
  if (before.filter(({ underWay }) => underWay).length >= OUTSIDE_CALLS_AT_ONCE) return CROWDED_WAIT_MS
  const waitMs = waitForTurnMs(
    before.map(({ ageMs }) => ageMs),
    OUTSIDE_PACE,
  )
  if (waitMs > 0) return waitMs
  const answer = call()
  // Awaited only after it is recorded.
  answer.catch(() => undefined)
  const [noted] = await rowsOf<{ id: number }>(
    tx.trx,
    `WITH old AS (
       DELETE FROM outside_calls WHERE left_at < clock_timestamp() - make_interval(secs => :keptSeconds)
     )
     INSERT INTO outside_calls (company) VALUES (hashtextextended(:realmId, 0)) RETURNING id`,
    { realmId, keptSeconds: KEPT_SECONDS },
  )
  return { id: noted!.id, answer }
}

async function readCalls(tx: Tx, realmId: string): Promise<{ ageMs: number; underWay: boolean }[]> {
  return rowsOf(
    tx.trx,
    `SELECT CAST(greatest(0, extract(epoch FROM clock_timestamp() - left_at)) * 1000 AS float8) AS "ageMs",
            ended_at IS NULL AND left_at > clock_timestamp() - make_interval(secs => :longest) AS "underWay"
       FROM outside_calls
      WHERE company = hashtextextended(:realmId, 0)`,
    { realmId, longest: LONGEST_CALL_SECONDS },
  )
}

async function ended<Result>({ knex }: Database, { id, answer }: Left<Result>): Promise<Result> {
  try {
    return await answer
  } finally {
    // If this fails, the call counts as under way for its minute.
    await rowsOf(knex, 'UPDATE outside_calls SET ended_at = clock_timestamp() WHERE id = :id', { id }).catch(
      () => undefined,
    )
  }
}
