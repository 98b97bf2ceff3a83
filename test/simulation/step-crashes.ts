import { deepStrictEqual } from 'node:assert'
import { runCompany, type SyncOptions } from '../../src/sync/run-company.ts'
import { crashAt, CRASH_POINTS, type CrashPoint } from './crashable.ts'
import { expireAccess, isTokenDead, lapse, plainRun, ready, run, statusOf, trade } from './runs.ts'
import { callsMade, type Episode } from './state.ts'

/** A process is killed somewhere in a run: nothing of what it had committed is lost, and nothing else is there. */
export async function runThatCrashes(episode: Episode, realmId: string): Promise<void> {
  const { mirror, choices } = episode
  const point = choices.pick(CRASH_POINTS)
  const isRefresh = point.startsWith('inside a refresh')
  if (isRefresh) await expireAccess(episode, realmId)
  if (choices.chance(0.5)) trade(episode, realmId, '')
  await ready(episode, realmId, choices.chance(0.4) ? 'full' : 'incremental')
  if (point === 'before a failure is noted')
    mirror.sandbox.faults.add({ kind: 'server500', realmId, times: 1 })
  await die(episode, point, point.includes('page') ? choices.whole(1, 4) : 1, (options) =>
    runCompany(options, realmId, new AbortController().signal),
  )
  mirror.sandbox.faults.clear()
  await lapse(mirror, realmId)
  if (isRefresh) await goOn(episode, realmId)
}

/** Several callers want a token of one company when their process is killed inside the refresh. */
export async function tokensAtOnceInACrash(episode: Episode, realmId: string): Promise<void> {
  const { choices } = episode
  const point = choices.pick([
    'inside a refresh, before the save',
    'inside a refresh, before the commit',
  ] as const)
  await expireAccess(episode, realmId)
  // A dead token is refused, and no refresh comes as far as to be killed.
  if (await isTokenDead(episode, realmId)) return
  const before = callsMade(episode)
  await die(episode, point, 1, async (_options, accessToken) => {
    const tokens = await Promise.allSettled([1, 2, 3].map(() => accessToken(realmId)))
    deepStrictEqual(
      tokens.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
      'a killed process gave a token',
    )
  })
  deepStrictEqual(
    callsMade(episode) - before,
    1,
    'callers at once must cost one refresh, also one that is lost',
  )
  await goOn(episode, realmId)
}

async function die(
  episode: Episode,
  point: CrashPoint,
  nth: number,
  live: (options: SyncOptions, accessToken: (realmId: string) => Promise<string>) => Promise<unknown>,
): Promise<void> {
  const { world, mirror, story, calls } = episode
  const crash = crashAt(mirror.database, point, nth)
  const process = world.startProcess({
    database: crash.database,
    wrapRefresh: crash.wrapRefresh,
    wrapReader: (reader) =>
      new Proxy(reader, {
        get(target, name, receiver): unknown {
          crash.refuseIfDead()
          return Reflect.get(target, name, receiver)
        },
      }),
  })
  const before = callsMade(episode)
  await live(process.options, (realmId) => process.accessToken(realmId)).catch((error: unknown) => {
    if (!crash.crashed()) throw error
  })
  calls.atMost += callsMade(episode) - before
  process.close()
  story.push(
    `  ${crash.crashed() ? `killed ${point} (${nth})` : `was over before it came ${point} (${nth})`}`,
  )
  if (crash.crashed()) world.met.note('crash', point)
}

/**
 * The next process gets on by the refresh token that Intuit still takes for a day, and needs new tokens only when it
 * comes later; nothing is lost by either.
 */
async function goOn(episode: Episode, realmId: string): Promise<void> {
  const { mirror, world, choices, story } = episode
  const seconds = choices.pick([0, 3_600, 86_000, 86_400, 100_000])
  mirror.clock.move({ seconds })
  story.push(`  gets on ${seconds} s later`)
  if (choices.chance(0.5)) trade(episode, realmId, '')
  await ready(episode, realmId)
  const isDead = await isTokenDead(episode, realmId)
  const outcome = await run(episode, realmId)
  const failed = outcome.kind === 'failed' ? outcome.error.code : outcome.kind
  deepStrictEqual(failed, isDead ? 'needs_reauth' : 'finished', 'after a crash inside a refresh')
  if (!isDead) return
  world.met.note('step', 'a lost refresh token')
  deepStrictEqual(await statusOf(mirror, realmId), 'needs_reauth', 'a company without tokens')
  await plainRun(episode, realmId)
}
