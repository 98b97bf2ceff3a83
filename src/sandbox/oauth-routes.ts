import { Router } from 'express'
import type { Request, Response } from 'express'
import { jsonAnswer } from './answer.ts'
import type { Answer } from './answer.ts'
import { answerConsent, openAuthorize } from './authorize.ts'
import type { AuthorizeServices } from './authorize.ts'
import type { Operation } from './call-log.ts'
import { beginExchange, finishExchange } from './exchange.ts'
import type { ExchangeServices } from './exchange.ts'
import { invalidClient, invalidGrant } from './fault-answers.ts'
import type { TokenGrant, TokenServer } from './tokens.ts'

export interface OauthServices extends ExchangeServices, AuthorizeServices {
  clientSecret: string
}

export const OAUTH_PATHS = {
  authorize: '/connect/oauth2',
  token: '/oauth2/v1/tokens/bearer',
  revoke: '/v2/oauth2/tokens/revoke',
} as const

/** The three addresses of Intuit's OAuth 2.0. */
export function oauthRoutes(services: OauthServices): Router {
  const router = Router({ caseSensitive: true })
  const serve = (
    operation: Operation,
    request: Request,
    response: Response,
    facts: Facts,
    produce: () => Answer,
  ) => {
    const { method, originalUrl: path } = request
    const exchange = beginExchange(services, { operation, entity: null, method, path, ...facts })
    return finishExchange(services, response, exchange, produce)
  }
  router.get(OAUTH_PATHS.authorize, (request, response) =>
    serve('authorize', request, response, { realmId: null, query: null }, () =>
      openAuthorize(services, askedOf(request)),
    ),
  )
  router.post(OAUTH_PATHS.authorize, (request, response) => {
    const form = new URLSearchParams(String(request.body ?? ''))
    const facts = { realmId: form.get('realmId'), query: form.get('answer') }
    return serve('authorize', request, response, facts, () => answerConsent(services, askedOf(request), form))
  })
  router.post(OAUTH_PATHS.token, (request, response) => {
    const form = new URLSearchParams(String(request.body ?? ''))
    const realmId = services.tokens.realmOfRefreshToken(form.get('refresh_token') ?? '')
    const facts = { realmId, query: form.get('grant_type') }
    return serve('token', request, response, facts, () => token(services, request, form))
  })
  router.post(OAUTH_PATHS.revoke, (request, response) => {
    const value = revokedToken(request)
    const realmId = services.tokens.realmOfRefreshToken(value) ?? services.tokens.realmOf(value)
    return serve('revoke', request, response, { realmId, query: null }, () =>
      revoke(services, request, value),
    )
  })
  return router
}

interface Facts {
  realmId: string | null
  query: string | null
}

function token(services: OauthServices, request: Request, form: URLSearchParams): Answer {
  if (!isClient(services, request)) return invalidClient()
  const grant = granted(services.tokens, form)
  if (!grant) return invalidGrant()
  const { x_refresh_token_hard_expires_in: hardEnd, ...usual } = grant
  const wantsHardEnd = request.headers['x-include-refresh-token-hard-expires-in'] === 'true'
  return jsonAnswer(200, JSON.stringify(wantsHardEnd ? { ...usual, [HARD_END]: hardEnd } : usual))
}

const HARD_END = 'x_refresh_token_hard_expires_in'

function askedOf(request: Request): URLSearchParams {
  return new URL(request.originalUrl, 'http://simulator').searchParams
}

function granted(tokens: TokenServer, form: URLSearchParams): TokenGrant | null {
  if (form.get('grant_type') === 'refresh_token') return tokens.refresh(form.get('refresh_token') ?? '')
  if (form.get('grant_type') !== 'authorization_code') return null
  return tokens.exchangeCode(form.get('code') ?? '', form.get('redirect_uri') ?? '')
}

function revoke(services: OauthServices, request: Request, value: string): Answer {
  if (!isClient(services, request)) return invalidClient()
  if (services.tokens.revoke(value)) return jsonAnswer(200, '')
  return jsonAnswer(400, JSON.stringify({ error: 'invalid_request' }))
}

/** JSON or form, as Intuit takes both. */
function revokedToken(request: Request): string {
  const body = String(request.body ?? '')
  if (!body.startsWith('{')) return new URLSearchParams(body).get('token') ?? ''
  const { token: value } = JSON.parse(body) as { token?: unknown }
  return typeof value === 'string' ? value : ''
}

function isClient({ clientId, clientSecret }: OauthServices, request: Request): boolean {
  const expected = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  return request.headers.authorization === `Basic ${expected}`
}
