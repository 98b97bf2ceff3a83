import type { Knex } from 'knex'
import { rowsOf, type Database } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { Connection } from '../models/connection.ts'
import { createTokenCipher, keyIdOf, type EncryptionKey, type TokenCipher } from './token-cipher.ts'

export interface Rotated {
  /** How many connections were encrypted anew. */
  readonly connections: number
  /** Those that no key of the ring opens, left as they were: one message each. */
  readonly unreadable: readonly string[]
}

/**
 * Encrypts every stored token that is not under the first key of the ring with that key, while the service runs. A row
 * is locked for its own moment only, so a renewal waits or is waited for, and neither loses the other's token. Safe to
 * repeat and to stop at any time.
 */
export async function rotateKeys(database: Database, keys: readonly EncryptionKey[]): Promise<Rotated> {
  const cipher = createTokenCipher(keys)
  const newest = keys[0]!.id
  const unreadable: string[] = []
  let connections = 0
  for (const realmId of await underOtherKeys(database.knex, newest)) {
    try {
      if (await rotateOne(database, cipher, { realmId, newest })) connections += 1
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code !== 'token_unreadable') throw error
      unreadable.push(error.message)
    }
  }
  return { connections, unreadable }
}

/** The companies with a token under another key than the newest. */
async function underOtherKeys(knex: Knex, newest: string): Promise<string[]> {
  const rows = await rowsOf<{ realmId: string }>(
    knex,
    `SELECT realm_id AS "realmId"
       FROM connections
      WHERE split_part(refresh_token_ciphertext, ':', 2) <> :newest
         OR split_part(access_token_ciphertext, ':', 2) <> :newest
      ORDER BY realm_id`,
    { newest },
  )
  return rows.map(({ realmId }) => realmId)
}

async function rotateOne(
  database: Database,
  cipher: TokenCipher,
  { realmId, newest }: { readonly realmId: string; readonly newest: string },
): Promise<boolean> {
  return database.transaction(async ({ trx }) => {
    const connection = await Connection.query(trx).findById(realmId).forUpdate()
    if (!connection) return false
    const anew = (ciphertext: string | null) =>
      ciphertext === null || keyIdOf(ciphertext) === newest
        ? ciphertext
        : cipher.encrypt(realmId, cipher.decrypt(realmId, ciphertext))
    await Connection.query(trx)
      .findById(realmId)
      .patch({
        accessTokenCiphertext: anew(connection.accessTokenCiphertext),
        refreshTokenCiphertext: anew(connection.refreshTokenCiphertext),
      })
    return true
  })
}
