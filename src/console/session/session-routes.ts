import { createHash, timingSafeEqual } from 'node:crypto'
import { urlencoded, type Request, type RequestHandler, type Response } from 'express'
import { z } from 'zod'
import type { Logger } from 'winston'
import { LedgerError } from '../../domain/ledger-error.ts'
import { requireBearer } from '../../http/request/bearer.ts'
import { requestIdOf } from '../../http/request/request-log.ts'
import { addRoute } from '../../http/request/route.ts'
import { readQuery } from '../../http/request/validate.ts'
import { contextOf } from '../context.ts'
import { addAction, SEE_OTHER, sendPage, type Pages } from '../pages.ts'
import type { Attempts } from './attempts.ts'
import { loginPage } from './login-page.ts'
import type { Sessions } from './session.ts'

export interface SigningIn {
  readonly sessions: Sessions
  readonly attempts: Attempts
  readonly adminToken: string
  /** Signs in once; null: there is none. */
  readonly signInKey: string | null
  readonly log: Logger
}

const QUERY = z.object({ key: z.string().max(200).optional(), next: z.string().optional() })
const FORM = z.object({ token: z.string().max(1000).catch(''), next: z.string().optional().catch(undefined) })

/** `/login`, `/logout`, and the address that signs in once. */
export function addSessionRoutes(pages: Pages, options: SigningIn): void {
  const { sessions, attempts, log } = options
  let keyDigest = options.signInKey === null ? null : digest(options.signInKey)

  async function enter(request: Request, response: Response, how: string, next: string): Promise<void> {
    await sessions.begin(request, response)
    log.info('signed in to the console', { how, requestId: requestIdOf(response) })
    response.redirect(SEE_OTHER, next)
  }

  async function greet(request: Request, response: Response): Promise<void> {
    const { key, next } = readQuery(request, QUERY)
    if (await sessions.isOpen(request, response)) return response.redirect(SEE_OTHER, ownAddress(next))
    if (key !== undefined && keyDigest !== null && timingSafeEqual(digest(key), keyDigest)) {
      keyDigest = null
      return enter(request, response, 'address printed at the start', ownAddress(next))
    }
    const note = key === undefined ? null : 'This address has been used, or is of an earlier start.'
    show(request, response, note, next)
  }

  async function tryToken(request: Request, response: Response): Promise<void> {
    const { token, next } = FORM.parse(request.body ?? {})
    await attempts.count(request)
    if (!timingSafeEqual(digest(token.trim()), digest(options.adminToken))) {
      log.warn('a wrong token was given at the console', { requestId: requestIdOf(response) })
      response.status(UNAUTHORIZED)
      return show(request, response, 'That is not the token.', next)
    }
    await attempts.forget(request)
    return enter(request, response, 'admin token', ownAddress(next))
  }

  function show(request: Request, response: Response, note: string | null, next: string | undefined): void {
    const page = loginPage({ note, next: ownAddress(next), development: options.signInKey !== null })
    sendPage(response, pages.assets, page, contextOf(pages.database, request, response))
  }

  pages.router.use('/login', urlencoded({ extended: false, limit: LONGEST_FORM }))
  addRoute(pages.router, '/login', { get: greet, post: tryToken })
  addAction(pages, '/logout', async (request, response) => {
    await sessions.end(request, response)
    return '/login'
  })
}

/** Lets in who is signed in; a person is led to the sign-in page and back again, a script is refused. */
export function requireSession(sessions: Sessions): RequestHandler {
  return async (request, response, next) => {
    if (await sessions.isOpen(request, response)) return next()
    if (request.method !== 'GET' || request.get('hx-request') !== undefined) {
      // htmx follows this with the whole page.
      response.set('HX-Redirect', '/login')
      throw new LedgerError('unauthorized', 'sign in first: the session is over')
    }
    response.redirect(SEE_OTHER, `/login?${new URLSearchParams({ next: request.originalUrl }).toString()}`)
  }
}

/** The same for a page below `/admin`, where the token opens everything else. */
export function requireSessionOrToken(sessions: Sessions, adminToken: string): RequestHandler {
  const [bySession, byToken] = [requireSession(sessions), requireBearer(adminToken)]
  return (request, response, next) =>
    request.get('authorization') === undefined
      ? bySession(request, response, next)
      : byToken(request, response, next)
}

const UNAUTHORIZED = 401
const LONGEST_FORM = 10_000
const LONGEST_ADDRESS = 2000

/** Only ever a page of ours: a link to the sign-in page must not lead elsewhere. */
function ownAddress(next: string | undefined): string {
  const isOurs = next !== undefined && next.length <= LONGEST_ADDRESS && OURS.test(next)
  return isOurs ? next : '/console'
}

const OURS = /^\/(?:console(?:[/?][^\\]*)?|admin\/queues)$/

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
