import type { Decision } from './decide.ts'

/** A difference that a complete listing found and nobody told of: not here, not there, not the same. */
export const DRIFT_KINDS = ['missing', 'extra', 'different'] as const
export type DriftKind = (typeof DRIFT_KINDS)[number]

export interface Drift {
  readonly qboId: string
  readonly kind: DriftKind
}

/** What a listing corrected by a decision; null where that is no difference. */
export function driftKindOf(decision: Decision): DriftKind | null {
  switch (decision) {
    case 'inserted':
    case 'revived':
      return 'missing'
    case 'updated':
      return 'different'
    case 'deleted':
      return 'extra'
    case 'touched':
    case 'unchanged':
    case 'stale':
    case 'buried':
      return null
  }
}
