import express, { type Request, type RequestHandler } from 'express'
import { refusal } from './problem.ts'
import { sendProblem } from './errors.ts'

/** Parses a JSON body of up to 100 kB; a body of any other kind is refused. */
export function readJsonBody(): RequestHandler[] {
  return [refuseOtherTypes, express.json({ limit: '100kb' })]
}

const refuseOtherTypes: RequestHandler = (request, response, next) => {
  if (!hasBody(request) || request.is('application/json')) return next()
  sendProblem(response, refusal(415, 'send the body as application/json', { Accept: 'application/json' }))
}

function hasBody(request: Request): boolean {
  return request.get('transfer-encoding') !== undefined || Number(request.get('content-length') ?? 0) > 0
}
