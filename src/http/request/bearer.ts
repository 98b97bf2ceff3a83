import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { LedgerError } from '../../domain/ledger-error.ts'
import { whatToDo } from '../../domain/what-to-do.ts'

/**
 * Admits requests that carry the token. Digests are compared, so that timing reveals neither its content nor its
 * length.
 */
export function requireBearer(token: string): RequestHandler {
  const expected = digest(token)
  return (request, _response, next) => {
    const presented = /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '')?.[1]
    if (presented === undefined || !timingSafeEqual(digest(presented), expected)) {
      throw new LedgerError('unauthorized', whatToDo('unauthorized'))
    }
    next()
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
