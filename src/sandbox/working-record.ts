import type { Objects, StoredName } from './wire.ts'

/** A record as one business action has it in hand. */
export interface WorkingRecord {
  readonly type: StoredName
  readonly id: string
  readonly object: Objects[StoredName]
  readonly createdMs: number
  updatedMs: number
  postings: string
  changed: boolean
}
