import type { Database } from '../db/database.ts'
import { Company } from '../models/company.ts'
import { Connection, type Environment } from '../models/connection.ts'
import { requestSync } from './request-sync.ts'
import type { TokenCipher } from './token-cipher.ts'

export interface SeedCompany {
  readonly realmId: string
  readonly name: string
  readonly refreshToken: string
}

/**
 * Puts demo companies in place, with the refresh tokens that the simulator holds good now, and asks for the first
 * run of those that are new. Companies that are there keep their state.
 */
export async function seedCompanies(
  options: { readonly database: Database; readonly cipher: TokenCipher; readonly environment: Environment },
  companies: readonly SeedCompany[],
): Promise<void> {
  const { database, cipher, environment } = options
  await database.transaction(async (tx) => {
    for (const { realmId, name, refreshToken } of companies) {
      const inserted = await Company.query(tx.trx)
        .insert({
          realmId,
          name,
          status: 'active',
          statusChangedAt: tx.now,
          nextSyncAt: tx.now,
          createdAt: tx.now,
        })
        .onConflict('realm_id')
        .ignore()
        .returning('realm_id')
      const tokens = {
        accessTokenCiphertext: null,
        accessTokenExpiresAt: null,
        refreshTokenCiphertext: cipher.encrypt(realmId, refreshToken),
        refreshTokenExpiresAt: null,
        updatedAt: tx.now,
      }
      await Connection.query(tx.trx)
        .insert({ realmId, environment, ...tokens })
        .onConflict('realm_id')
        .merge()
      if (inserted) await requestSync(tx, [realmId], { mode: 'full', trigger: 'backfill' })
    }
  })
}
