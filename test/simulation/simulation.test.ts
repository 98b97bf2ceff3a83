import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ERROR_CODES, type ErrorCode } from '../../src/domain/ledger-error.ts'
import { BUSINESS_NAMES, SILENT_NAMES } from './business.ts'
import { CRASH_POINTS } from './crashable.ts'
import { playEpisode } from './episode.ts'
import { FAULT_KINDS } from './faults.ts'
import { unmet, type MetKind } from './met.ts'
import { REFUSALS_MET } from './step-unreadable.ts'
import { STEPS } from './steps.ts'
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
    await expect(playEpisode(world, seed)).resolves.toBeDefined()
  }
}, 600_000)

describe('these histories met', () => {
  const SITUATIONS = [
    'a lost refresh token',
    'a burst',
    'by ticks alone',
    'a clock of QuickBooks that was put back',
    'a clock that was put back in the middle of a run',
    'most bills deleted',
    'a disappearance: confirmed',
    'a disappearance: back',
    'a disappearance: more than confirmed',
    'more deletes than change data capture tells',
    'a reject that was passed over',
    'records that were passed over',
    'pages that came too late',
    'new tokens during a refresh',
    'new tokens during a reading',
    ...REFUSALS_MET,
  ]
  const DECISIONS = [
    'inserted',
    'updated',
    'touched',
    'unchanged',
    'stale',
    'deleted',
    'buried',
    'revived',
    'rejected',
    'drifted',
  ]
  // None of these can come of two companies and QuickBooks: they answer a wrong request to our own API, or tell of our
  // own settings, of a defect, or of more companies. An expired token is renewed inside the call, and what is refused
  // then is `unavailable`.
  const ELSEWHERE: readonly ErrorCode[] = [
    'invalid_request',
    'not_found',
    'unauthorized',
    'forbidden',
    'too_many_attempts',
    'company_inactive',
    'internal',
    'token_expired',
    'token_unreadable',
    'wrong_environment',
    'never_synced',
    'quota_exhausted',
  ]

  test.each<[string, MetKind, readonly string[]]>([
    ['step', 'step', [...STEPS.map(({ name }) => name), ...SITUATIONS]],
    ['business action', 'business', BUSINESS_NAMES],
    ['change behind the scenes', 'drift', SILENT_NAMES],
    ['fault of the simulator', 'fault', FAULT_KINDS],
    ['point of a crash', 'crash', CRASH_POINTS],
    ['decision about a change', 'decision', DECISIONS],
    ['failure', 'code', ERROR_CODES.filter((code) => !ELSEWHERE.includes(code))],
  ])('every %s', (_what, kind, names) => {
    expect(unmet(world.met, kind, names)).toEqual([])
  })
})
