import { LedgerError, type ErrorCode } from '../domain/ledger-error.ts'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import { intuitTidOf, isSuccess, readAnswer, type Answer } from './answer.ts'
import { unexpected } from './envelope.ts'
import { excerpt } from './excerpt.ts'
import { retryAfterSeconds } from './fault.ts'
import { createTokenClient } from './node-quickbooks.ts'
import { isJsonObject, isNumberText, type JsonObject } from '../domain/parse-json.ts'
import type { Transport } from './transport.ts'

/** What the token endpoint answered. The refresh token may differ from the one sent, and must be kept. */
export interface TokenSet {
  readonly accessToken: string
  readonly accessTokenExpiresAt: Date
  readonly refreshToken: string
  readonly refreshTokenExpiresAt: Date
}

export interface TokenOptions {
  readonly tokenUrl: string
  readonly revokeUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly tokenTimeoutMs: number
  readonly now: () => number
  readonly transport: Transport
}

type OnCall = (call: QuickBooksCall) => void

// Intuit's lifetimes, for an answer that omits them: rejecting it would lose a rotated token.
const ACCESS_TOKEN_SECONDS = 3_600
const REFRESH_TOKEN_SECONDS = 100 * 86_400

/**
 * Gets an access token. Never retried here: the refresh token may have rotated although no answer came, so the owner of
 * the tokens decides.
 *
 * @throws LedgerError `needs_reauth` for a dead refresh token, `app_misconfigured` for refused credentials of the app,
 *   `throttled`, `unavailable`
 */
export function refreshTokens(
  options: TokenOptions,
  refreshToken: string,
  onCall?: OnCall,
): Promise<TokenSet> {
  const { transport, tokenTimeoutMs, tokenUrl, now } = options
  return transport.send({
    operation: 'refresh',
    timeoutMs: tokenTimeoutMs,
    onCall,
    toUrl: () => tokenUrl,
    start: (callback) => createTokenClient({ ...options, refreshToken }).refreshAccessToken(callback),
    read: (reply) => {
      const answer = readAnswer(reply)
      refuse(answer, options, refreshToken)
      return readTokens(answer, now())
    },
  })
}

/** Revokes a refresh token. One that is already dead is `needs_reauth`. */
export function revokeToken(options: TokenOptions, refreshToken: string, onCall?: OnCall): Promise<void> {
  const { transport, tokenTimeoutMs, revokeUrl } = options
  return transport.send({
    operation: 'revoke',
    timeoutMs: tokenTimeoutMs,
    onCall,
    toUrl: () => revokeUrl,
    start: (callback) => createTokenClient({ ...options, refreshToken }).revokeAccess(true, callback),
    read: (reply) => refuse(readAnswer(reply), options, refreshToken),
  })
}

function readTokens(answer: Answer, nowMs: number): TokenSet {
  const body = isJsonObject(answer.body) ? answer.body : {}
  return {
    accessToken: tokenIn(answer, body, 'access_token'),
    accessTokenExpiresAt: expiry(body, 'expires_in', ACCESS_TOKEN_SECONDS, nowMs),
    refreshToken: tokenIn(answer, body, 'refresh_token'),
    refreshTokenExpiresAt: expiry(body, 'x_refresh_token_expires_in', REFRESH_TOKEN_SECONDS, nowMs),
  }
}

function tokenIn(answer: Answer, body: JsonObject, name: string): string {
  const token = body[name]
  if (typeof token !== 'string' || token === '') throw unexpected(answer, `an ${name}`)
  return token
}

function expiry(body: JsonObject, name: string, otherwiseSeconds: number, nowMs: number): Date {
  const value = body[name]
  const seconds = Number(isNumberText(value) ? value.rawJSON : value)
  const isPlausible = Number.isFinite(seconds) && seconds > 0
  return new Date(nowMs + (isPlausible ? seconds : otherwiseSeconds) * 1000)
}

// RFC 6749's error codes, as Intuit uses them. `invalid_token` is RFC 7009's code for nothing to revoke.
const REFUSALS: Readonly<Record<string, ErrorCode>> = {
  invalid_grant: 'needs_reauth',
  invalid_token: 'needs_reauth',
  invalid_client: 'app_misconfigured',
  unauthorized_client: 'app_misconfigured',
  invalid_request: 'internal',
  unsupported_grant_type: 'internal',
}

function refuse(answer: Answer, options: TokenOptions, refreshToken: string): void {
  const body = isJsonObject(answer.body) ? answer.body : {}
  const error = body['error']
  if (isSuccess(answer) && error === undefined) return
  const word = typeof error === 'string' ? error : ''
  const wait = retryAfterSeconds(answer, options.now())
  const code = answer.status === 429 ? 'throttled' : (REFUSALS[word] ?? 'unavailable')
  throw new LedgerError(
    code,
    describe(answer, word, body['error_description'], secretsOf(options, refreshToken)),
    {
      details: {
        intuitTid: intuitTidOf(answer),
        httpStatus: answer.status,
        atTokenEndpoint: true,
        ...(wait === null ? {} : { retryAfterSeconds: wait }),
      },
    },
  )
}

function describe(answer: Answer, word: string, description: unknown, secrets: readonly string[]): string {
  const words = [word, typeof description === 'string' ? description : ''].filter(Boolean).join(': ')
  return `Intuit's token endpoint answered ${answer.status}${words === '' ? '' : `: ${excerpt(words, secrets)}`}`
}

function secretsOf({ clientId, clientSecret }: TokenOptions, refreshToken: string): string[] {
  return [refreshToken, clientSecret, Buffer.from(`${clientId}:${clientSecret}`).toString('base64')]
}
