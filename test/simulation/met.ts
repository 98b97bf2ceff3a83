/** What the episodes of a world met: a simulation that never gets somewhere proves nothing about it. */
export interface Met {
  note(kind: MetKind, name: string, times?: number): void
  /** How often, by name. */
  of(kind: MetKind): ReadonlyMap<string, number>
}

export const MET_KINDS = ['step', 'business', 'drift', 'fault', 'crash', 'decision', 'code'] as const
export type MetKind = (typeof MET_KINDS)[number]

export function createMet(): Met {
  const counts = new Map<MetKind, Map<string, number>>(MET_KINDS.map((kind) => [kind, new Map()]))
  return {
    note(kind, name, times = 1) {
      const known = counts.get(kind)!
      known.set(name, (known.get(name) ?? 0) + times)
    },
    of: (kind) => counts.get(kind)!,
  }
}

/** What of the names was never met. */
export function unmet(met: Met, kind: MetKind, names: readonly string[]): string[] {
  return names.filter((name) => !met.of(kind).has(name))
}
