import { deepStrictEqual } from 'node:assert'
import { requestSync } from '../../src/connections/request-sync.ts'
import { performSync } from '../../src/jobs/perform-sync.ts'
import { tick } from '../../src/jobs/tick.ts'
import type { Trigger } from '../../src/domain/sync-run.ts'
import type { RunOutcome } from '../../src/sync/run-company.ts'
import { INTERVAL_SECONDS } from '../setup/mirror.ts'
import { afterDone, isDone, isTokenDead, ready, run, trade } from './runs.ts'
import { callsMade, type Episode } from './state.ts'

/** A request that is made during a run is served by another one. */
export async function askDuringRun(episode: Episode, realmId: string): Promise<void> {
  const { world, mirror } = episode
  await ready(episode, realmId)
  let asked: number | null = null
  world.disturb({
    async between(of) {
      if (of === realmId && asked === null) asked = await mirror.ask(realmId, { trigger: 'webhook' })
    },
  })
  const outcome = await run(episode, realmId)
  world.undisturb()
  if (outcome.kind !== 'finished' || asked === null) return
  deepStrictEqual(outcome.askedAgain, true, 'a request made during a run was lost')
  const again = await run(episode, realmId)
  if (isDone(again)) await afterDone(episode, realmId)
}

/** Webhooks and impatient people before a job and in the middle of its runs: a few runs serve them all. */
export async function manyRequests(episode: Episode, realmId: string): Promise<void> {
  const { world, choices, story } = episode
  await ready(episode, realmId)
  const isDead = await isTokenDead(episode, realmId)
  const [before, during] = [choices.whole(1, 30), choices.whole(0, 10)]
  story.push(`  ${before} requests, ${during} during the first run`)
  await askAtOnce(episode, realmId, before)
  let first = true
  world.disturb({
    async between(of) {
      if (of !== realmId || !first) return
      first = false
      trade(episode, realmId, 'meanwhile ')
      await askAtOnce(episode, realmId, during)
    },
  })
  const outcomes = await perform(episode, realmId)
  world.undisturb()
  if (isDead) return
  // One more where the first went on with a listing that was begun before.
  deepStrictEqual(outcomes.length <= 3, true, `${before + during} requests made ${outcomes.length} runs`)
  deepStrictEqual(await unserved(episode, [realmId]), [], 'a request was lost')
}

async function askAtOnce({ mirror, choices }: Episode, realmId: string, times: number): Promise<void> {
  const trigger: Trigger = choices.pick(['webhook', 'manual'] as const)
  const ask = () =>
    mirror.database.transaction((tx) => requestSync(tx, [realmId], { mode: 'incremental', trigger }))
  await Promise.all(Array.from({ length: times }, ask))
}

/** The service's own beat, by one process or two, and the jobs that it queues. */
export async function ticks(episode: Episode): Promise<void> {
  const { world, mirror, choices, story, realmIds } = episode
  world.ourClock.move({ seconds: choices.pick([60, 900, 3_600]) })
  if (choices.chance(0.5)) trade(episode, choices.pick(realmIds), '')
  const due = await dueNow(episode)
  const beats = choices.whole(1, 2)
  const queued = await Promise.all(Array.from({ length: beats }, () => beat(episode)))
  const jobs = [...new Set(queued.flat())].sort()
  story.push(`  ${beats} ticks queued ${jobs.map((realmId) => realmId.slice(-1)).join(', ') || 'nothing'}`)
  deepStrictEqual(jobs, due, 'a tick queued other companies than are due')
  const disturbed = choices.chance(0.4) && jobs[0]
  if (disturbed) world.disturb({ between: tickOnce(episode, disturbed) })
  const dead = await Promise.all(jobs.map((realmId) => isTokenDead(episode, realmId)))
  await Promise.all(jobs.map((realmId) => perform(episode, realmId)))
  world.undisturb()
  const served = jobs.filter((_realmId, index) => !dead[index])
  mirror.clock.move({ seconds: 1 })
  deepStrictEqual(await unserved(episode, served), [], 'a company that a tick queued was not served')
}

/** While a run is under way its company is asked for still, so a tick queues it again: that job finds it held. */
function tickOnce(episode: Episode, realmId: string): (of: string) => Promise<void> {
  let done = false
  return async (of) => {
    if (of !== realmId || done) return
    done = true
    const jobs = await beat(episode)
    if (!jobs.includes(realmId)) return
    deepStrictEqual(
      await perform(episode, realmId),
      [{ kind: 'skipped', reason: 'held' }],
      'a job of a company that is being run',
    )
  }
}

/** pg-boss delivers at least once: the second delivery finds the company held, or nothing left to do. */
export async function jobDeliveredTwice(episode: Episode, realmId: string): Promise<void> {
  const { choices, mirror } = episode
  await ready(episode, realmId)
  if (await isTokenDead(episode, realmId)) return
  trade(episode, realmId, '')
  mirror.clock.move({ seconds: 1 })
  const deliver = () => perform(episode, realmId)
  const outcomes = choices.chance(0.5)
    ? await Promise.all([deliver(), deliver()])
    : [await deliver(), await deliver()]
  const runs = outcomes.flat()
  const skipped = runs.filter((outcome) => outcome.kind === 'skipped').map(({ reason }) => reason)
  deepStrictEqual(skipped.length, 1, `two deliveries ended as ${JSON.stringify(runs)}`)
  deepStrictEqual(['held', 'not_asked'].includes(skipped[0]!), true, `the second delivery was ${skipped[0]}`)
  deepStrictEqual(await unserved(episode, [realmId]), [], 'a request was lost')
  await afterDone(episode, realmId)
}

/** The month's calls are used up: no company is called, and none changes its status. */
export async function budgetIsSpent(episode: Episode, realmId: string): Promise<void> {
  const { mirror, world, story } = episode
  await ready(episode, realmId)
  const jobs = await beat(episode, 1)
  const [state] = await mirror.rows<{ code: string | null }>(
    'SELECT calls_paused_code AS code FROM service_state WHERE calls_paused_until IS NOT NULL',
  )
  // In a month without a single call so far nothing is spent.
  if (state?.code !== 'budget_spent') return
  world.met.note('code', 'budget_spent')
  story.push('  the budget is spent')
  deepStrictEqual(jobs, [], 'a tick queued companies although the budget is spent')
  const before = callsMade(episode)
  deepStrictEqual(await mirror.run(realmId), { kind: 'skipped', reason: 'waiting' }, 'the budget is spent')
  deepStrictEqual(callsMade(episode), before, 'QuickBooks was called although the budget is spent')
  deepStrictEqual((await beat(episode)).includes(realmId), true, 'a company was forgotten after the stop')
}

/** One tick. @returns the companies of the episode that it queued. */
export async function beat({ mirror, realmIds }: Episode, budget: number | null = null): Promise<string[]> {
  const queued = new Set<string>()
  await tick({
    database: mirror.database,
    intervalSeconds: INTERVAL_SECONDS,
    monthlyCallBudget: budget,
    enqueue: async (_tx, due) => {
      for (const realmId of due) queued.add(realmId)
    },
  })
  return realmIds.filter((realmId) => queued.has(realmId))
}

/** What a job does. @returns how its runs ended. */
export async function perform(episode: Episode, realmId: string): Promise<RunOutcome[]> {
  const { mirror } = episode
  const outcomes: RunOutcome[] = []
  let broken: unknown = null
  const job = performSync(
    {
      database: mirror.database,
      intervalSeconds: INTERVAL_SECONDS,
      log: mirror.options.log,
      async run() {
        const outcome = await run(episode, realmId).catch((error: unknown) => {
          broken = error
          throw error
        })
        outcomes.push(outcome)
        return outcome
      },
    },
    { realmId, last: false, stop: new AbortController().signal },
  )
  // A job tells no more than that its run failed.
  await job.catch((error: unknown) => {
    throw broken ?? error
  })
  return outcomes
}

/** By the rules of the schedule, told by the rows alone. */
async function dueNow({ mirror, world, realmIds }: Episode): Promise<string[]> {
  const now = world.ourClock.now()
  const rows = await mirror.rows<{
    realmId: string
    status: string
    nextSyncAt: Date
    isAsked: boolean
    notBefore: Date | null
  }>(
    `SELECT realm_id AS "realmId", status, next_sync_at AS "nextSyncAt", requested_seq > served_seq AS "isAsked",
            not_before AS "notBefore"
       FROM companies
      WHERE realm_id IN (${realmIds.map((realmId) => `'${realmId}'`).join(', ')})
      ORDER BY realm_id`,
  )
  const [state] = await mirror.rows<{ until: Date | null }>(
    'SELECT calls_paused_until AS until FROM service_state',
  )
  if (state?.until && state.until > now) return []
  return rows
    .filter(({ status }) => status === 'active' || status === 'unavailable')
    .filter(({ notBefore }) => notBefore === null || notBefore <= now)
    .filter(({ isAsked, nextSyncAt }) => isAsked || nextSyncAt <= now)
    .map(({ realmId }) => realmId)
}

async function unserved({ mirror }: Episode, realmIds: readonly string[]): Promise<string[]> {
  if (realmIds.length === 0) return []
  const rows = await mirror.rows<{ realmId: string }>(
    `SELECT realm_id AS "realmId" FROM companies
      WHERE requested_seq > served_seq AND realm_id IN (${realmIds.map((realmId) => `'${realmId}'`).join(', ')})`,
  )
  return rows.map(({ realmId }) => realmId)
}
