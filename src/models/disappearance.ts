import type { Entity } from '../domain/entity.ts'
import { LedgerModel } from './ledger-model.ts'

/** A row of `disappearances`: records of one entity that seem to have vanished at once. */
export class Disappearance extends LedgerModel {
  static override get tableName(): string {
    return 'disappearances'
  }

  static override get idColumn(): string[] {
    return ['realm_id', 'entity']
  }

  declare realmId: string
  declare entity: Entity
  declare missing: number
  declare held: number
  declare since: Date
  declare syncRunId: number
  declare confirmedAt: Date | null
}
