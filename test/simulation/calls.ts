import { deepStrictEqual } from 'node:assert'
import { ENTITIES } from '../../src/domain/entity.ts'
import { wholeReport, type KeptReport } from '../../src/domain/sync-run.ts'
import type { TestMirror } from '../setup/mirror.ts'
import type { Standing } from './runs.ts'
import { callsMade, type Episode } from './state.ts'

const PAGE_ROWS = 1_000
// Beginning of a complete listing: the company's own record, its preferences, and what change data capture tells.
const BEFORE_LISTINGS = 3
// Each look of a settling listing counts and may ask for ids; the first two pages may hold late comers.
const LOOKS = 3
// A cursor within one second reads a tenth of each page again.
const REREAD = 1.25
// An entity's rejects by id, their count, and one count of each entity where most of it is gone.
const COUNTED = 2 + ENTITIES.length
// Halving a page of 1,000 down to one record, looking behind it and asking once more, for each of two listings.
const AROUND_POISON = 2 * 16
// Change data capture asked for all entities together, and for each alone.
const CAPTURES = 1 + ENTITIES.length

/** What a run costs when nothing is wrong: one call when nothing changed, one more for each thing that asks for it. */
export async function checkCalmCalls(
  mirror: TestMirror,
  runId: number,
  metered: number,
  before: Standing,
): Promise<void> {
  const [row] = await mirror.rows<{ mode: string; metered: number; entities: KeptReport }>(
    'SELECT mode, metered_calls AS metered, entities FROM sync_runs WHERE id = :runId',
    { runId },
  )
  const { mode } = row!
  deepStrictEqual(row!.metered, metered, 'a run tells another number of metered calls than QuickBooks')
  const reports = Object.values(wholeReport(row!.entities))
  const told = reports.reduce((sum, { fetched }) => sum + fetched, 0)
  const plain = mode === 'incremental' && !before.isListing && told < PAGE_ROWS
  const most = plain
    ? // A tombstone that contradicts another answer is asked for by its id, and so are rejects that are due. Counts
      // tell whether what is missing is gone, and whether an entity's unreadable records can be read.
      (before.hasLostTime ? 2 : 1) +
      reports.filter(({ fetched }) => fetched > 0).length +
      COUNTED * before.rejectedEntities
    : BEFORE_LISTINGS + CAPTURES + reports.reduce((sum, { fetched }) => sum + mostOfListing(fetched), 0)
  deepStrictEqual(
    metered <= most,
    true,
    `a calm ${mode} run made ${metered} metered calls: ${most} are enough`,
  )
}

function mostOfListing(fetched: number): number {
  const pages = Math.ceil((fetched * REREAD) / PAGE_ROWS) + 1
  return pages + 2 * LOOKS
}

/**
 * Our record of calls is what the simulator took up, but for what killed processes had not committed; and no run,
 * whatever was wrong with it, made more calls than a complete listing with everything that may befall it.
 */
export async function checkCalls(episode: Episode): Promise<void> {
  const { mirror, realmIds, calls } = episode
  const [row] = await mirror.rows<{ calls: number; metered: number }>(
    `SELECT coalesce(sum(calls), 0)::int AS calls, coalesce(sum(metered_calls), 0)::int AS metered
       FROM quickbooks_calls WHERE realm_id IN (${realmIds.map((realmId) => `'${realmId}'`).join(', ')})`,
  )
  const unrecorded = callsMade(episode) - calls.exactly - row!.calls
  deepStrictEqual(
    unrecorded >= 0 && unrecorded <= calls.atMost,
    true,
    `${unrecorded} calls are not in our record; killed processes made ${calls.atMost}`,
  )
  const unmetered = mirror.sandbox.calls.meteredCount() - row!.metered
  deepStrictEqual(
    unmetered >= 0 && unmetered <= calls.atMost,
    true,
    `${unmetered} metered calls are not in our record; killed processes made ${calls.atMost} calls`,
  )
  await checkNoRunBeyond(episode)
}

async function checkNoRunBeyond({ mirror, realmIds }: Episode): Promise<void> {
  for (const realmId of realmIds) {
    const books = mirror.sandbox.books(realmId)
    const listings = (['Vendor', 'Customer', 'Account', 'Bill', 'Invoice'] as const)
      // Twice: what change data capture could not tell is listed by its changes, and then all.
      .map((type) => 2 * LOOKS * mostOfListing(books.records(type).length) + AROUND_POISON)
      .reduce((sum, most) => sum + most, 0)
    const most = BEFORE_LISTINGS + CAPTURES + listings
    const beyond = await mirror.rows(
      'SELECT id, mode, requests FROM sync_runs WHERE realm_id = :realmId AND requests > :most',
      { realmId, most },
    )
    deepStrictEqual(beyond, [], `runs made more than ${most} calls`)
  }
}
