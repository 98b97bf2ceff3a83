import { describe, expect, test } from '@jest/globals'
import { createTokenCipher } from '../../src/connections/token-cipher.ts'
import { LedgerError } from '../../src/domain/ledger-error.ts'

const REALM = '4620816300000000301'
const TOKEN = 'AB11768999999secretrefreshtoken'
const older = { id: 'older', key: Buffer.alloc(32, 1) }
const newer = { id: 'newer', key: Buffer.alloc(32, 2) }

function refusal(work: () => unknown): LedgerError {
  try {
    work()
  } catch (error) {
    if (error instanceof LedgerError) return error
  }
  throw new Error('nothing was refused')
}

describe('the token cipher', () => {
  test('gives back what it was given, and shows nothing of it', () => {
    const cipher = createTokenCipher([older])
    for (const token of [TOKEN, '', 'Grüße ∑ 🔑', 'x'.repeat(5000)]) {
      const ciphertext = cipher.encrypt(REALM, token)
      expect(cipher.decrypt(REALM, ciphertext)).toBe(token)
      if (token !== '') expect(ciphertext).not.toContain(token)
    }
  })

  test('tells the version and the key in clear, and never uses an initialisation vector twice', () => {
    const cipher = createTokenCipher([older])
    const made = Array.from({ length: 200 }, () => cipher.encrypt(REALM, TOKEN).split(':'))
    expect(new Set(made.map(([version, keyId]) => `${version} ${keyId}`))).toEqual(new Set(['v1 older']))
    expect(new Set(made.map(([, , iv]) => iv)).size).toBe(200)
    expect(new Set(made.map(([, , iv]) => Buffer.from(iv!, 'base64url').length))).toEqual(new Set([12]))
    expect(new Set(made.map(([, , , , body]) => body)).size).toBe(200)
  })

  test('does not open what was made for another company', () => {
    const cipher = createTokenCipher([older])
    const ciphertext = cipher.encrypt(REALM, TOKEN)
    expect(refusal(() => cipher.decrypt('4620816300000000302', ciphertext)).code).toBe('token_unreadable')
  })

  test('encrypts with the first key and opens with every key of the ring', () => {
    const before = createTokenCipher([older]).encrypt(REALM, TOKEN)
    const rotated = createTokenCipher([newer, older])
    expect(rotated.decrypt(REALM, before)).toBe(TOKEN)
    const after = rotated.encrypt(REALM, TOKEN)
    expect(after.split(':')[1]).toBe('newer')
    expect(createTokenCipher([newer]).decrypt(REALM, after)).toBe(TOKEN)
  })

  test('names the setting and the key that it lacks', () => {
    const ciphertext = createTokenCipher([older]).encrypt(REALM, TOKEN)
    const error = refusal(() => createTokenCipher([newer]).decrypt(REALM, ciphertext))
    expect(error.code).toBe('token_unreadable')
    expect(error.message).toContain('key "older", which TOKEN_ENCRYPTION_KEYS lacks')
  })

  test('refuses a key of another value under a known name', () => {
    const ciphertext = createTokenCipher([older]).encrypt(REALM, TOKEN)
    const cipher = createTokenCipher([{ id: 'older', key: newer.key }])
    expect(refusal(() => cipher.decrypt(REALM, ciphertext)).code).toBe('token_unreadable')
  })

  test.each([2, 3, 4])('notices a change of part %i', (part) => {
    const cipher = createTokenCipher([older])
    const parts = cipher.encrypt(REALM, TOKEN).split(':')
    const bytes = Buffer.from(parts[part]!, 'base64url')
    bytes[0]! ^= 1
    parts[part] = bytes.toString('base64url')
    expect(refusal(() => cipher.decrypt(REALM, parts.join(':'))).code).toBe('token_unreadable')
  })

  test('does not take a tag that was cut short', () => {
    const cipher = createTokenCipher([older])
    const parts = cipher.encrypt(REALM, TOKEN).split(':')
    parts[3] = Buffer.from(parts[3]!, 'base64url').subarray(0, 4).toString('base64url')
    expect(refusal(() => cipher.decrypt(REALM, parts.join(':'))).code).toBe('token_unreadable')
  })

  test.each(['', 'v1', 'v2:older:a:b:c', 'plain token', 'AB11:secret:token'])(
    'names neither token nor key bytes in an error about "%s"',
    (text) => {
      const error = refusal(() => createTokenCipher([older]).decrypt(REALM, text))
      expect(error.code).toBe('token_unreadable')
      const told = JSON.stringify([error.message, error.details])
      for (const secret of [older.key.toString('base64'), 'secret', 'plain'])
        expect(told).not.toContain(secret)
    },
  )

  test('does not start without a key', () => {
    expect(refusal(() => createTokenCipher([]))).toMatchObject({ code: 'app_misconfigured' })
  })
})
