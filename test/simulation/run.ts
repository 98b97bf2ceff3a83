import { parseArgs } from 'node:util'
import startPostgres, { removePostgres } from '../setup/start-postgres.ts'
import { BrokenPromise, playEpisode } from './episode.ts'
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
  try {
    for (let played = 0; played < episodes; played += EPISODES_PER_WORLD) {
      await playSome(first + played, Math.min(EPISODES_PER_WORLD, episodes - played))
    }
    process.stdout.write(`${episodes} episodes from seed ${first} on kept every promise.\n`)
  } finally {
    if (ownPostgres && globalThis.testPostgres) await removePostgres(globalThis.testPostgres)
  }
}

async function playSome(first: number, episodes: number): Promise<void> {
  const world = await createWorld()
  try {
    for (let seed = first; seed < first + episodes; seed += 1) await playEpisode(world, seed)
  } finally {
    await world.close()
  }
}

try {
  await simulate()
} catch (error) {
  if (!(error instanceof BrokenPromise)) throw error
  process.stdout.write(`${error.message}\n\nReplay: npm run simulate -- --seed ${error.seed} --episodes 1\n`)
  process.exitCode = 1
}
