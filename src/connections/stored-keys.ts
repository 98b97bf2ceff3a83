import type { Knex } from 'knex'
import { rowsOf } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { createTokenCipher, type EncryptionKey } from './token-cipher.ts'

/** A key that tokens in the database were encrypted with and that none of ours opens. */
export interface UnknownKey {
  readonly keyId: string
  readonly companies: number
}

/**
 * The keys that stored tokens need and the ring lacks, those of most companies first; also where a key has the right
 * name and other bytes. One token of each key is tried: rows are not damaged one by one where a key is lost.
 */
export async function findUnknownKeys(
  knex: Knex,
  keys: readonly EncryptionKey[],
): Promise<readonly UnknownKey[]> {
  const stored = await rowsOf<UnknownKey & { realmId: string; ciphertext: string }>(
    knex,
    `SELECT DISTINCT ON (key_id)
            key_id AS "keyId",
            count(*) OVER (PARTITION BY key_id)::int AS companies,
            realm_id AS "realmId",
            refresh_token_ciphertext AS ciphertext
       FROM (SELECT split_part(refresh_token_ciphertext, ':', 2) AS key_id, realm_id, refresh_token_ciphertext, updated_at
               FROM connections
              WHERE refresh_token_ciphertext IS NOT NULL) held
      ORDER BY key_id, updated_at DESC`,
  )
  return stored
    .filter(({ realmId, ciphertext }) => !opens(keys, realmId, ciphertext))
    .map(({ keyId, companies }) => ({ keyId, companies }))
    .sort((one, other) => other.companies - one.companies)
}

function opens(keys: readonly EncryptionKey[], realmId: string, ciphertext: string): boolean {
  if (keys.length === 0) return false
  try {
    createTokenCipher(keys).decrypt(realmId, ciphertext)
    return true
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'token_unreadable') return false
    throw error
  }
}
