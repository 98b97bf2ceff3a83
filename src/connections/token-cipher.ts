import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { LedgerError } from '../domain/ledger-error.ts'

/** A key of the ring: 32 bytes, named so that older values stay readable after a new key comes first. */
export interface EncryptionKey {
  readonly id: string
  readonly key: Buffer
}

export interface TokenCipher {
  /** Encrypts with the first key of the ring; the same token never encrypts to the same text twice. */
  encrypt(realmId: string, token: string): string
  /**
   * @throws LedgerError `token_unreadable` when the key ring lacks the key, or when the value was not made for this
   * company or with these bytes.
   */
  decrypt(realmId: string, ciphertext: string): string
}

const VERSION = 'v1'
// AES-GCM's native size: other lengths are hashed and lose strength.
const IV_BYTES = 12
// The full tag: Node would accept a truncated one, which is easier to forge.
const TAG_BYTES = 16

/**
 * AES-256-GCM over `v1:keyId:iv:tag:ciphertext`, bound to the realm id: one company's value is useless in another's
 * row.
 */
export function createTokenCipher(keys: readonly EncryptionKey[]): TokenCipher {
  const first = keys[0]
  if (!first) throw new LedgerError('app_misconfigured', 'TOKEN_ENCRYPTION_KEYS names no key')
  return {
    encrypt: (realmId, token) => encryptWith(first, realmId, token),
    decrypt: (realmId, ciphertext) => decryptWith(keys, realmId, ciphertext),
  }
}

/** The id of the key that a ciphertext was made with. */
export function keyIdOf(ciphertext: string): string {
  return ciphertext.split(':')[1] ?? ''
}

function encryptWith(key: EncryptionKey, realmId: string, token: string): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.key, iv).setAAD(Buffer.from(realmId))
  const body = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()])
  return [VERSION, key.id, ...[iv, cipher.getAuthTag(), body].map((part) => part.toString('base64url'))].join(
    ':',
  )
}

function decryptWith(keys: readonly EncryptionKey[], realmId: string, ciphertext: string): string {
  const [version, keyId, iv, tag, body] = ciphertext.split(':')
  // The value is not quoted: it may be anything, even a bare token.
  if (version !== VERSION)
    throw unreadable(`the stored tokens of company ${realmId} are in no form known here`)
  const key = keys.find((candidate) => candidate.id === keyId)
  if (!key) {
    throw unreadable(
      `the tokens of company ${realmId} were encrypted with key "${keyId ?? ''}", which TOKEN_ENCRYPTION_KEYS lacks`,
    )
  }
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.key, Buffer.from(iv ?? '', 'base64url'), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(Buffer.from(realmId)).setAuthTag(Buffer.from(tag ?? '', 'base64url'))
    return decipher.update(Buffer.from(body ?? '', 'base64url'), undefined, 'utf8') + decipher.final('utf8')
  } catch (cause) {
    throw unreadable(
      `the tokens of company ${realmId} cannot be decrypted with key "${key.id}" of TOKEN_ENCRYPTION_KEYS: its bytes changed, or the row did`,
      cause,
    )
  }
}

function unreadable(message: string, cause?: unknown): LedgerError {
  return new LedgerError('token_unreadable', message, { cause })
}
