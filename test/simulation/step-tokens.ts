import { deepStrictEqual } from 'node:assert'
import { expireAccess, isCaughtUp, isDone, ready, run, tell } from './runs.ts'
import type { Episode } from './state.ts'

/** Somebody puts good tokens while a run hears that the old ones are refused: the run's failure is not theirs. */
export async function newTokensMeanwhile(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices } = episode
  if (!(await isCaughtUp(episode, realmId))) return
  if (choices.chance(0.5)) await putDuringRefresh(episode, realmId)
  else await putDuringReading(episode, realmId)
  const [row] = await mirror.rows(
    `SELECT status, status_code AS "code", failures_in_a_row AS failures, failing_code AS failing
       FROM companies WHERE realm_id = :realmId`,
    { realmId },
  )
  deepStrictEqual(
    row,
    { status: 'active', code: null, failures: 0, failing: null },
    'a company with good tokens is blamed for those before',
  )
  deepStrictEqual(
    await mirror.heldRefreshToken(realmId),
    mirror.sandbox.companies().find((one) => one.realmId === realmId)!.refreshToken,
    'good tokens were lost',
  )
  const outcome = await run(episode, realmId)
  deepStrictEqual(isDone(outcome), true, `good tokens were put, and a run ${tell(outcome)}`)
}

/** The refusal is held inside the lock of the connection until the new tokens wait for it. */
async function putDuringRefresh(episode: Episode, realmId: string): Promise<void> {
  const { mirror, world, story } = episode
  await expireAccess(episode, realmId)
  await ready(episode, realmId)
  const fault = mirror.sandbox.faults.add({ kind: 'invalidGrant', realmId, times: 1 })
  let putting = Promise.resolve()
  const process = world.startProcess({
    async wrapRefresh(refresh) {
      try {
        return await refresh()
      } catch (error) {
        // Intuit refuses once: a run gives up on that.
        putting = mirror.newTokens(realmId)
        await Promise.race([somebodyWaits(episode), putting])
        throw error
      }
    },
  })
  await run(episode, realmId, process.options)
  await putting
  process.close()
  mirror.sandbox.faults.remove(fault)
  story.push('  new tokens while the old ones were refused')
  world.met.note('step', 'new tokens during a refresh')
}

/** QuickBooks refuses the company, and before the run hears of it the new tokens are there. */
async function putDuringReading(episode: Episode, realmId: string): Promise<void> {
  const { mirror, world, choices, story } = episode
  await ready(episode, realmId)
  const kind = choices.pick(['auth120', 'auth100', 'forbidden3100'] as const)
  const fault = mirror.sandbox.faults.add({ kind, realmId, operation: 'cdc', times: 1 })
  world.disturb({
    async answer(of, _question, ask) {
      try {
        return await ask()
      } catch (error) {
        if (of === realmId) await mirror.newTokens(realmId)
        throw error
      }
    },
  })
  await run(episode, realmId)
  world.undisturb()
  mirror.sandbox.faults.remove(fault)
  story.push(`  new tokens during ${kind}`)
  world.met.note('step', 'new tokens during a reading')
}

async function somebodyWaits({ mirror }: Episode): Promise<void> {
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  while ((await mirror.rows(waiting)).length === 0) continue
}
