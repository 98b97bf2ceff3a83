import { FAULT_KINDS } from '../../src/sandbox/faults.ts'
import type { FaultKind, FaultSpec } from '../../src/sandbox/sandbox.ts'
import type { Choices } from './random.ts'
import type { Episode } from './state.ts'

export { FAULT_KINDS }

/** A fault with what it takes to meet it. */
export interface PlannedFault {
  readonly spec: FaultSpec
  readonly needs: Need
}

/** `refresh`: an access token that has to be renewed; `listing`: a complete listing; `impatience`: short time limits. */
export interface Need {
  readonly refresh?: boolean
  readonly listing?: boolean
  readonly impatience?: boolean
}

const NEEDS: Partial<Record<FaultKind, Need>> = {
  invalidGrant: { refresh: true },
  invalidClient: { refresh: true },
  tokenThrottled429: { refresh: true },
  tokenServer503: { refresh: true },
  tokenLostResponse: { refresh: true },
  tokenHang: { refresh: true, impatience: true },
  hang: { impatience: true },
  limitPlusOne: { listing: true },
  shortPage: { listing: true },
  scrambleTies: { listing: true },
}

// The ones that look most like an answer are the ones to be wrong about.
const IN_TURN: readonly FaultKind[] = [
  ...FAULT_KINDS,
  ...Array.from({ length: 6 }, () => 'groupFault' as const),
  'shortPage',
  'shortPage',
]

const INTUIT_NAMES = ['Vendor', 'Customer', 'Account', 'Bill', 'Invoice']

/** Any fault of the simulator, in any of its shapes. */
export function planFault(episode: Episode, realmId: string): PlannedFault {
  const { choices } = episode
  const kind = IN_TURN[episode.nextFault % IN_TURN.length]!
  // No factor of how many there are: one episode meets others than the next.
  episode.nextFault += 21
  const needs = NEEDS[kind] ?? {}
  const spec: FaultSpec = { kind, realmId, times: choices.whole(1, 3), ...SHAPES[kind]?.(episode, realmId) }
  if (!needs.refresh && spec.entity === undefined && choices.chance(0.2)) {
    spec.entity = choices.pick(INTUIT_NAMES)
  }
  if (choices.chance(0.3)) spec.retryAfterSeconds = choices.whole(1, 600)
  return { spec, needs }
}

// Until it is taken away again: every answer that would hold the record fails.
const ALWAYS = 10_000

const SHAPES: Partial<Record<FaultKind, (episode: Episode, realmId: string) => Partial<FaultSpec>>> = {
  groupFault: ({ choices }) => ({ times: 1, entity: choices.pick(INTUIT_NAMES) }),
  slow: ({ choices }) => ({ delayMs: choices.whole(1, 5) }),
  staleRead: ({ choices }) => ({
    times: choices.whole(1, 30),
    lagSeconds: choices.whole(1, LONGEST_LAG_SECONDS),
  }),
  shortPage: ({ choices }) => ({ rows: choices.whole(1, 4) }),
  enforceLimits: ({ choices, mirror }) => ({
    times: ALWAYS,
    ...(choices.chance(0.5)
      ? { monthlyQuota: mirror.sandbox.calls.meteredCount() + choices.whole(0, 6) }
      : {}),
  }),
  poisonedRecord: ({ choices, mirror }, realmId) => ({
    times: ALWAYS,
    ...choices.pick([{}, { status: 400, code: '4002' }, { status: 500, code: '4002' }]),
    ...anyTransaction(mirror.sandbox.books(realmId), choices),
  }),
  // As often of everything as of pages alone, which are then asked for with fewer rows.
  gatewayTimeout6002: ({ choices }) =>
    choices.chance(0.5) ? { moreThanRows: choices.pick([400, 100, 10]) } : {},
}

// Well within the overlap by which a run asks for what it has seen already.
export const LONGEST_LAG_SECONDS = 200

function anyTransaction(
  books: ReturnType<Episode['mirror']['sandbox']['books']>,
  choices: Choices,
): Partial<FaultSpec> {
  const entities = (['Bill', 'Invoice'] as const).filter((type) => books.records(type).length > 0)
  // Where everything was deleted, no answer holds a record that could break it.
  if (entities.length === 0) return { entity: 'Bill', recordId: 'none' }
  const entity = choices.pick(entities)
  return { entity, recordId: choices.pick(books.records(entity)).Id }
}
