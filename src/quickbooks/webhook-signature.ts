import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Whether Intuit signed a body: `intuit-signature` is the base64 of its HMAC-SHA256 under the app's verifier token. It
 * covers the bytes as they came, before anything reads them (developer.intuit.com, "Webhooks: best practices").
 */
export function isSigned(body: Buffer, signature: string | undefined, verifierToken: string): boolean {
  const expected = createHmac('sha256', verifierToken).update(body).digest()
  const given = Buffer.from(signature ?? '', 'base64')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
