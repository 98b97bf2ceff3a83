import type { Answer } from './answer.ts'
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
  /** How a page that would hold this record is refused as a whole; null where it is not. */
  refusalFor(entity: EntityName, id: string): Answer | null
  /** Whether the group of that entity is a Fault instead. */
  isFaulty(entity: string): boolean
}
