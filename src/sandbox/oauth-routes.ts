import { Router } from 'express'
import type { Request, Response } from 'express'
import { jsonAnswer } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Operation } from './call-log.ts'
import { beginExchange, finishExchange } from './exchange.ts'
import type { ExchangeServices } from './exchange.ts'
import { invalidClient, invalidGrant } from './fault-answers.ts'
import type { TokenGrant, TokenServer } from './tokens.ts'

export interface OauthServices extends ExchangeServices {
  tokens: TokenServer
  clientId: string
  clientSecret: string
  /** The first is the one to connect when none is asked for. */
  realmIds(): string[]
}

export const OAUTH_PATHS = {
  authorize: '/connect/oauth2',
  token: '/oauth2/v1/tokens/bearer',
  revoke: '/v2/oauth2/tokens/revoke',
} as const

/** The three addresses of Intuit's OAuth 2.0. The person who consents is taken to say yes. */
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
    serve('authorize', request, response, { realmId: null, query: null }, () => authorize(services, request)),
  )
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

function authorize({ tokens, clientId, realmIds }: OauthServices, request: Request): Answer {
  const asked = new URL(request.originalUrl, 'http://simulator').searchParams
  const realmId = asked.get('realmId') ?? realmIds()[0]
  const redirect = asked.get('redirect_uri') ?? ''
  const isKnown = realmId !== undefined && realmIds().includes(realmId)
  if (
    asked.get('client_id') !== clientId ||
    asked.get('response_type') !== 'code' ||
    !URL.canParse(redirect) ||
    !isKnown
  ) {
    const wrong = 'client_id, response_type=code, redirect_uri or realmId is wrong'
    return { status: 400, contentType: 'text/plain', body: wrong }
  }
  const target = new URL(redirect)
  target.searchParams.set('code', tokens.authorizationCode(realmId, redirect))
  target.searchParams.set('state', asked.get('state') ?? '')
  target.searchParams.set('realmId', realmId)
  return { status: 302, contentType: 'text/plain', body: '', headers: { Location: target.href } }
}

function token(services: OauthServices, request: Request, form: URLSearchParams): Answer {
  if (!isClient(services, request)) return invalidClient()
  const grant = granted(services.tokens, form)
  return grant ? jsonAnswer(200, JSON.stringify(grant)) : invalidGrant()
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
