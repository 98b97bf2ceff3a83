import type { Knex } from 'knex'
import { findUnknownKeys, type UnknownKey } from './connections/stored-keys.ts'
import type { EncryptionKey } from './connections/token-cipher.ts'
import { whatToDo } from './domain/what-to-do.ts'
import { localKeyFile, makeLocalKey, readLocalKey } from './local-secrets.ts'
import type { Logger } from './log.ts'

export interface TokenKeysOptions {
  /** Those of TOKEN_ENCRYPTION_KEYS; null: one is generated and kept in the data directory. */
  readonly configured: readonly EncryptionKey[] | null
  readonly dataDirectory: string
  /** With its schema in place. */
  readonly knex: Knex
  readonly log: Logger
}

/**
 * The keys for the tokens in the database. Those that were set are taken as they are, and tokens that they do not open
 * are told: their companies can still be read from the mirror. A key is generated only where no token waits for
 * another one.
 *
 * @throws Error that says what to do where the generated key is gone.
 */
export async function findTokenKeys(options: TokenKeysOptions): Promise<readonly EncryptionKey[]> {
  const { configured, knex, log } = options
  const keys = configured ?? (await localKeys(options))
  const unknown = await findUnknownKeys(knex, keys)
  if (unknown.length > 0) {
    log.error('stored tokens cannot be read', {
      companies: sumOf(unknown),
      keyIds: unknown.map(({ keyId }) => keyId),
      whatToDo: whatToDo('token_unreadable'),
    })
  }
  return keys
}

async function localKeys({ dataDirectory, knex }: TokenKeysOptions): Promise<readonly EncryptionKey[]> {
  const kept = await readLocalKey(dataDirectory)
  if (kept !== null) return [kept]
  const waiting = await findUnknownKeys(knex, [])
  if (waiting.length === 0) return [await makeLocalKey(dataDirectory)]
  // Another process that started with this one may have made the key, and stored tokens with it, since we looked.
  const made = await readLocalKey(dataDirectory)
  if (made !== null) return [made]
  throw new Error(
    `The database holds tokens of ${nameCount(sumOf(waiting))}, encrypted with ${nameIds(waiting)}, and ` +
      `${localKeyFile(dataDirectory)} is not there: no other key can read them, so none was made. Put the file back, ` +
      'or set TOKEN_ENCRYPTION_KEYS to the key they were encrypted with. If it is lost for good, set ' +
      'TOKEN_ENCRYPTION_KEYS to a new key and connect each company again.',
  )
}

function sumOf(unknown: readonly UnknownKey[]): number {
  return unknown.reduce((sum, { companies }) => sum + companies, 0)
}

function nameIds(unknown: readonly UnknownKey[]): string {
  const names = unknown.map(({ keyId }) => `"${keyId}"`).join(', ')
  return unknown.length === 1 ? `key ${names}` : `keys ${names}`
}

function nameCount(companies: number): string {
  return companies === 1 ? 'one company' : `${companies} companies`
}
