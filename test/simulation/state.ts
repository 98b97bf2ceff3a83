import type { TestMirror } from '../setup/mirror.ts'
import type { Remembered } from './invariants.ts'
import type { Choices } from './random.ts'
import type { World } from './world.ts'

/** One episode under way: what its steps have to know of each other. */
export interface Episode {
  readonly world: World
  readonly mirror: TestMirror
  readonly choices: Choices
  readonly realmIds: readonly string[]
  readonly story: string[]
  /** By QuickBooks' clock. */
  readonly lastBusinessAt: Map<string, Date>
  readonly held: { readonly realmId: string; readonly state: Remembered }[]
  /** Records that QuickBooks could not serve since the last complete listing, as `bills 12`, by company. */
  readonly unserved: Map<string, Set<string>>
  /** Companies that were ever answered with fault 10000: it may have thrown suspicion on a healthy record. */
  readonly suspects: Set<string>
  /** Calls that our own record need not know. */
  readonly calls: UnrecordedCalls
  /** Companies of which a complete listing, or a reading by id, did not know the last minutes. */
  readonly listedBehind: Set<string>
  /** Companies that were read while QuickBooks' clock was ahead. */
  readonly doubts: Map<string, Doubt>
  /** Change data capture was silent for longer than it reaches back. */
  wasSilent: boolean
  /** Faults come in turn, from one episode to the next, so that each has its share. */
  nextFault: number
}

/** What change data capture may not bring: of all that changed between these moments, by QuickBooks' clock. */
export interface Doubt {
  readonly from: Date
  readonly until: Date
  /** Everything was listed since the clock was put back: only what claims to be newer can hide a change now. */
  isListed: boolean
}

export interface UnrecordedCalls {
  /** Made outside of any run by the test itself. */
  exactly: number
  /** Made by processes that were killed: what they had not committed is not known to anybody. */
  atMost: number
}

export function unservedOf({ unserved }: Episode, realmId: string): Set<string> {
  const known = unserved.get(realmId) ?? new Set()
  unserved.set(realmId, known)
  return known
}

/** Calls that the simulator took up since the episode began. */
export function callsMade({ mirror }: Episode): number {
  return mirror.sandbox.calls.list().length
}
