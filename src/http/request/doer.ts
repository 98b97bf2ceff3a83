import type { Response } from 'express'
import type { Doer } from '../../connections/record-event.ts'
import { requestIdOf } from './request-log.ts'

/** Who makes a request, by the token that admitted them. */
export function doerOf(response: Response): Doer {
  return { actor: 'admin token', requestId: requestIdOf(response) }
}
