import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { LedgerError } from '../../domain/ledger-error.ts'
import { whatToDo } from '../../domain/what-to-do.ts'

/**
 * Admits requests that carry one of the tokens. Digests are compared, so that timing reveals neither their content nor their
 * length.
 */
export function requireBearer(...tokens: readonly string[]): RequestHandler {
  const expected = tokens.map(digest)
  return (request, _response, next) => {
    const presented = /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '')?.[1]
    // Every token is compared, so that the time does not tell which of them it was.
    const matching = expected.filter((token) => timingSafeEqual(digest(presented ?? ''), token))
    if (presented === undefined || matching.length === 0) {
      throw new LedgerError('unauthorized', whatToDo('unauthorized'))
    }
    next()
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
