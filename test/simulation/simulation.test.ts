import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { playEpisode } from './episode.ts'
import { createWorld, type World } from './world.ts'

const EPISODES = 200
const FIRST_SEED = 1

let world: World

beforeAll(async () => {
  world = await createWorld()
})

afterAll(() => world.close())

test(`${EPISODES} random histories end with every promise kept`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + EPISODES; seed += 1) {
    await expect(playEpisode(world, seed)).resolves.toBeUndefined()
  }
}, 600_000)
