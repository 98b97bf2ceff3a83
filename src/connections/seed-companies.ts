import { rowsOf, type Database, type Tx } from '../db/database.ts'
import { Connection, type Environment } from '../models/connection.ts'
import { requestSync } from './request-sync.ts'
import type { TokenCipher } from './token-cipher.ts'

export interface SeedCompany {
  readonly realmId: string
  readonly name: string
  /** Empty after a revocation, until somebody authorizes the company again. */
  readonly refreshToken: string
}

/**
 * Creates the demo companies, with the refresh tokens that are valid at the simulator now, and requests the first run
 * of new ones. Existing companies keep their state; one without a token gets no connection.
 */
export async function seedCompanies(
  options: { readonly database: Database; readonly cipher: TokenCipher; readonly environment: Environment },
  companies: readonly SeedCompany[],
): Promise<void> {
  const { database, cipher, environment } = options
  await database.transaction(async (tx) => {
    for (const { realmId, name, refreshToken } of companies) {
      const isNew = await insertMissing(tx, realmId, name)
      if (refreshToken !== '') {
        await saveConnection(tx, { realmId, environment, ciphertext: cipher.encrypt(realmId, refreshToken) })
      }
      if (isNew) await requestSync(tx, [realmId], { mode: 'full', trigger: 'backfill' })
    }
  })
}

/** Plain SQL, because Objection returns the given row even when the insert was ignored. */
async function insertMissing(tx: Tx, realmId: string, name: string): Promise<boolean> {
  const inserted = await rowsOf(
    tx.trx,
    `INSERT INTO companies (realm_id, name, set_by_firm, status, status_changed_at, next_sync_at, created_at)
     VALUES (:realmId, :name, '{name}', 'active', :now, :now, :now)
     ON CONFLICT (realm_id) DO NOTHING
     RETURNING realm_id`,
    { realmId, name, now: tx.now },
  )
  return inserted.length > 0
}

interface SeedConnection {
  readonly realmId: string
  readonly environment: Environment
  readonly ciphertext: string
}

async function saveConnection(tx: Tx, { realmId, environment, ciphertext }: SeedConnection): Promise<void> {
  await Connection.query(tx.trx)
    .insert({
      realmId,
      environment,
      accessTokenCiphertext: null,
      accessTokenExpiresAt: null,
      refreshTokenCiphertext: ciphertext,
      refreshTokenExpiresAt: null,
      updatedAt: tx.now,
    })
    .onConflict('realm_id')
    .merge()
}
