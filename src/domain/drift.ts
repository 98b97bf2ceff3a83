import type { Decision } from './decide.ts'

/**
 * A difference found by a complete listing that no change reported: absent here, absent in QuickBooks, or not the same.
 */
export const DRIFT_KINDS = ['missing', 'extra', 'different'] as const
export type DriftKind = (typeof DRIFT_KINDS)[number]

export interface Drift {
  readonly qboId: string
  readonly kind: DriftKind
}

/** The drift that a listing's decision corrected; null if there was none. */
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
