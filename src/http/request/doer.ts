import type { Response } from 'express'
import type { Doer } from '../../connections/record-event.ts'
import { requestIdOf } from './request-log.ts'

/** Who asks, by what they were let in with. */
export function doerOf(response: Response): Doer {
  return { actor: 'admin token', requestId: requestIdOf(response) }
}
