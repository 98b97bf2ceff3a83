import express, { type Request, type RequestHandler } from 'express'
import { refusal, tooLarge } from '../problem/problem.ts'
import { sendProblem } from '../problem/errors.ts'

// The longest tokens that a body may carry have 8 kB together; the rest is room.
const LARGEST_BODY_BYTES = 100 * 1024

/** Parses a JSON body of up to 100 kB; a body of any other kind is refused. */
export function readJsonBody(): RequestHandler[] {
  return [refuseOtherTypes, refuseLarger(LARGEST_BODY_BYTES), express.json({ limit: LARGEST_BODY_BYTES })]
}

const refuseOtherTypes: RequestHandler = (request, response, next) => {
  if (!hasBody(request) || request.is('application/json')) return next()
  sendProblem(response, refusal(415, 'send the body as application/json', { Accept: 'application/json' }))
}

/** A body declared too large is refused at once: the parser would read it to its end first. */
export function refuseLarger(mostBytes: number): RequestHandler {
  return (request, response, next) => {
    if (lengthOf(request) <= mostBytes) return next()
    sendProblem(response, tooLarge(mostBytes))
  }
}

function hasBody(request: Request): boolean {
  return request.get('transfer-encoding') !== undefined || lengthOf(request) > 0
}

function lengthOf(request: Request): number {
  return Number(request.get('content-length') ?? 0)
}
