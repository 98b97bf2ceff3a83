import { parseArgs } from 'node:util'
import startPostgres, { removePostgres } from '../setup/start-postgres.ts'
import { BrokenPromise, playEpisode } from './episode.ts'
import { createMet, MET_KINDS, type Met } from './met.ts'
import { createWorld } from './world.ts'

// Companies of past episodes stay in the simulator's memory and in the database: a new world keeps both small.
const EPISODES_PER_WORLD = 100

/**
 * Plays random histories until one breaks a promise: `--seed` is the first one's, `--episodes` how many. Starts a
 * Postgres of its own unless TEST_POSTGRES_URL names a server that has the template. Exit code 1: one broke.
 */
async function simulate(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      episodes: { type: 'string', default: '2000' },
    },
  })
  const first = Number(values.seed)
  const episodes = Number(values.episodes)
  const ownPostgres = process.env['TEST_POSTGRES_URL'] === undefined
  if (ownPostgres) await startPostgres()
  const met = createMet()
  try {
    for (let played = 0; played < episodes; played += EPISODES_PER_WORLD) {
      await playSome(met, first + played, Math.min(EPISODES_PER_WORLD, episodes - played))
      process.stderr.write(`${Math.min(played + EPISODES_PER_WORLD, episodes)} of ${episodes} episodes\n`)
    }
    process.stdout.write(`${tellMet(met)}${episodes} episodes from seed ${first} on kept every promise.\n`)
  } finally {
    if (ownPostgres && globalThis.testPostgres) await removePostgres(globalThis.testPostgres)
  }
}

async function playSome(met: Met, first: number, episodes: number): Promise<void> {
  const world = await createWorld(met)
  try {
    for (let seed = first; seed < first + episodes; seed += 1) await playEpisode(world, seed)
  } finally {
    await world.close()
  }
}

function tellMet(met: Met): string {
  return MET_KINDS.map((kind) => {
    const names = [...met.of(kind)].sort(([, one], [, other]) => other - one)
    return `${kind}: ${names.map(([name, times]) => `${name} ${times}`).join(', ')}\n`
  }).join('')
}

try {
  await simulate()
} catch (error) {
  if (!(error instanceof BrokenPromise)) throw error
  process.stdout.write(`${error.message}\n\nReplay: npm run simulate -- --seed ${error.seed} --episodes 1\n`)
  process.exitCode = 1
}
