import type { ErrorRequestHandler, Response } from 'express'
import { PROBLEM_TYPE, problemOf, problemText, type Problem } from './problem.ts'
import { noteFailure, requestIdOf } from '../request/request-log.ts'

/** Express's last stop: whatever was thrown becomes problem+json (RFC 9457). */
export function answerErrors(): ErrorRequestHandler {
  return (thrown: unknown, _request, response, next) => {
    if (response.headersSent) return next(thrown)
    const problem = problemOf(thrown)
    if (problem.status >= 500) noteFailure(response, thrown)
    sendProblem(response, problem)
  }
}

export function sendProblem(response: Response, problem: Problem): void {
  response
    .status(problem.status)
    .set(problem.headers)
    .type(PROBLEM_TYPE)
    .send(problemText(problem, requestIdOf(response)))
}
