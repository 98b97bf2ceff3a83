import { needsPerson } from '../../domain/what-to-do.ts'
import type { Mirror } from '../standing.ts'

/** What is notable about a company, worst first. */
export const FLAGS = [
  'needs_reconnect',
  'unavailable',
  'needs_action',
  'rejects',
  'late',
  'failing',
  'never_synced',
  'paused',
  'disconnected',
] as const

export type Flag = (typeof FLAGS)[number]

/** The one group of a company, worst first: what a person must do, what heals itself, what is well, what is off. */
export const GROUPS = ['action', 'late', 'first', 'fine', 'off'] as const
export type Group = (typeof GROUPS)[number]

/** What the flags of a company are judged by. */
export type Judged = Pick<Mirror, 'status' | 'statusReason' | 'late' | 'rejects'> & {
  readonly neverSynced: boolean
}

export function flagsOf({ status, statusReason, late, rejects, neverSynced }: Judged): Flag[] {
  const acts = statusReason !== null && needsPerson(statusReason.code)
  const is: Readonly<Record<Flag, boolean>> = {
    needs_reconnect: status === 'needs_reauth',
    unavailable: status === 'unavailable',
    needs_action: acts,
    rejects: rejects > 0,
    late,
    failing: status === 'active' && statusReason !== null && !acts,
    never_synced: neverSynced,
    paused: status === 'paused',
    disconnected: status === 'disconnected',
  }
  return FLAGS.filter((flag) => is[flag])
}

export function groupOf(flags: readonly Flag[]): Group {
  const has = (...some: readonly Flag[]) => some.some((flag) => flags.includes(flag))
  if (has('paused', 'disconnected')) return 'off'
  if (has('needs_reconnect', 'unavailable', 'needs_action', 'rejects')) return 'action'
  if (has('never_synced')) return 'first'
  return has('late') ? 'late' : 'fine'
}
