import type { Entity } from '../../domain/entity.ts'
import { changeOf, type Change } from './change-of.ts'
import { diff, diffEntry, type DiffEntry } from './diff.ts'
import type { CompanyWords, VersionPair } from './held-version.ts'
import { shownContent } from './shown-content.ts'
import { summaryOf } from './summary-of.ts'

export interface VersionWords {
  readonly change: Change
  /** One sentence for a person. */
  readonly summary: string
  /** Empty for the first version: there is nothing to compare it with. */
  readonly diff: readonly DiffEntry[]
}

/** How a version differs from the one before it: the kind of change, in words, and difference by difference. */
export function describeVersion<Of extends Entity>(
  entity: Of,
  pair: VersionPair<Of>,
  company: CompanyWords,
): VersionWords {
  // Both judged by the day of the change, so that a status changed by time alone is no difference.
  const day = company.dayOf(new Date(pair.after.validFrom))
  const before = pair.before === null ? null : shownContent(entity, pair.before, day)
  const after = shownContent(entity, pair.after, day)
  const differences = before === null ? [] : diff(entity, before, after)
  const change = changeOf(entity, pair)
  return {
    change,
    summary: summaryOf(entity, pair, { change, before, after, differences }, company),
    diff: differences.map(diffEntry),
  }
}
