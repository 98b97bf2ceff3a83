import { LedgerModel } from './ledger-model.ts'

/** Which Intuit issued a connection's tokens. */
export type Environment = 'sandbox' | 'production' | 'simulator'

/** A row of `connections`; both tokens are ciphertext. */
export class Connection extends LedgerModel {
  static override get tableName(): string {
    return 'connections'
  }

  static override get idColumn(): string {
    return 'realm_id'
  }

  declare realmId: string
  declare environment: Environment
  declare accessTokenCiphertext: string | null
  declare accessTokenExpiresAt: Date | null
  declare refreshTokenCiphertext: string | null
  declare refreshTokenExpiresAt: Date | null
  declare updatedAt: Date
}
