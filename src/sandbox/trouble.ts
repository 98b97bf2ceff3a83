import type { Random } from './random.ts'
import type { EntityName } from './wire.ts'

/** What is wrong with the content of one answer. Trouble on the wire is elsewhere. */
export interface ReadTrouble {
  /** Rows served past the limit that was asked for. */
  extraRows: number
  /** Rows left out at the end of a page although there are more. */
  missingRows: number
  /** Puts rows with equal sort keys in another order at every call. */
  scramble: Random | null
  /** How far behind the answer is. */
  lagMs: number
  /** Whether a page that would hold this record fails as a whole. */
  isPoisoned(entity: EntityName, id: string): boolean
  /** Whether the group of that entity is a Fault instead. */
  isFaulty(entity: string): boolean
}
