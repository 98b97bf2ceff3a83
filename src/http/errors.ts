import { STATUS_CODES } from 'node:http'
import type { ErrorRequestHandler, Response } from 'express'
import { problemOf, type Problem } from './problem.ts'
import { noteFailure, requestIdOf } from './request-log.ts'

/** Express's last stop: whatever was thrown becomes problem+json (RFC 9457). */
export function answerErrors(): ErrorRequestHandler {
  return (thrown: unknown, _request, response, next) => {
    if (response.headersSent) return next(thrown)
    const problem = problemOf(thrown)
    if (problem.status >= 500) noteFailure(response, thrown)
    sendProblem(response, problem)
  }
}

export function sendProblem(response: Response, { status, code, detail, headers, members }: Problem): void {
  const requestId = requestIdOf(response)
  response
    .status(status)
    .set(headers)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: STATUS_CODES[status] ?? 'Error',
        status,
        detail,
        instance: `urn:ledger-mirror:request:${encodeURIComponent(requestId)}`,
        code,
        requestId,
        ...members,
      }),
    )
}
