import { LedgerModel } from './ledger-model.ts'

/** A row of `company_events`: what happened to a company, or to the service, and who did it. */
export class CompanyEvent extends LedgerModel {
  static override get tableName(): string {
    return 'company_events'
  }

  declare id: number
  declare at: Date
  declare realmId: string | null
  declare kind: string
  declare actor: string
  declare detail: Record<string, unknown>
  declare requestId: string | null
}
