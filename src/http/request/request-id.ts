import { randomUUID } from 'node:crypto'

export const REQUEST_ID = 'x-request-id'

// A router in front of us may have given the request a name already. Anything longer or stranger is not used: the id
// ends up in logs.
const SANE_REQUEST_ID = /^[\w.:-]{1,128}$/

/** The id of a request: the one it came with, else a new one. */
export function requestIdFor(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomUUID()
}
