import type { Request, RequestHandler } from 'express'
import { LedgerError } from '../../domain/ledger-error.ts'

/**
 * Refuses what would change something unless one of our own pages asks for it. Browsers say where a request comes from,
 * and no page can make them say otherwise; a request that says nothing does not come from a browser of today.
 */
export function requireSameOrigin(): RequestHandler {
  return (request, _response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD' && !isOwn(request)) {
      throw new LedgerError(
        'forbidden',
        'this can only be asked for by a page of this service: go back and try again',
      )
    }
    next()
  }
}

function isOwn(request: Request): boolean {
  // Not sent to plain http other than localhost; Origin is.
  const site = request.get('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin'
  const origin = request.get('origin')
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.get('host')
}
