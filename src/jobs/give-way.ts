import { rowsOf, type Database } from '../db/database.ts'
import { PRIORITIES } from './priority.ts'
import { SYNC_QUEUE } from './queues.ts'

/** Jobs that a listing run may not hold up, with limits in seconds. */
interface Rule {
  /** Jobs of at least this priority. */
  readonly priority: number
  /** How long one of them has waited: no loop of any process was free for it. */
  readonly waited: number
  /** How long the run has been going: starting again costs it two calls. */
  readonly going: number
}

const RULES: readonly Rule[] = [
  // A page takes a second or two, so a person who asked waits no longer than that.
  { priority: PRIORITIES.asked, waited: 0.25, going: 0 },
  { priority: PRIORITIES.small, waited: 2, going: 5 },
  // Listings take turns: a small company's is done within one.
  { priority: PRIORITIES.bulk, waited: 2, going: 60 },
]

/**
 * Asked by a run between two pages of a listing.
 *
 * @param priority of its job. If that is not bulk, the run turned out to list, and may hold a loop meant to be free of
 *   listings.
 * @param goingSeconds how long it has been going.
 */
export async function mustGiveWay(
  { knex }: Database,
  { priority, goingSeconds }: { readonly priority: number; readonly goingSeconds: number },
): Promise<boolean> {
  if (priority > PRIORITIES.bulk) return true
  const waiting = await rowsOf<{ priority: number; waited: number }>(
    knex,
    `SELECT priority, CAST(extract(epoch FROM now() - min(greatest(created_on, start_after))) AS float8) AS waited
       FROM pgboss.job
      WHERE name = :queue AND state < 'active' AND NOT blocked AND start_after <= now()
      GROUP BY priority`,
    { queue: SYNC_QUEUE },
  )
  return RULES.some(
    (rule) =>
      goingSeconds >= rule.going &&
      waiting.some((jobs) => jobs.priority >= rule.priority && jobs.waited >= rule.waited),
  )
}
