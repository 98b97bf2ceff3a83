import type { Response } from 'express'
import type { Doer } from '../connections/record-event.ts'
import { requestIdOf } from '../http/request/request-log.ts'

/** Who does something on a page: whoever signed in there. */
export function doerOf(response: Response): Doer {
  return { actor: 'console', requestId: requestIdOf(response) }
}
