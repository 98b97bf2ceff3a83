import type { RequestListener } from 'node:http'
import { LedgerError } from '../../domain/ledger-error.ts'
import { PROBLEM_TYPE, problemOf, problemText } from '../problem/problem.ts'

// The next step of a start comes within seconds.
const RETRY_SECONDS = '2'

/** Answers while the service is starting or stopping: alive, not ready, and why. */
export function answerWhileStarting(missing: () => readonly string[]): RequestListener {
  return (request, response) => {
    if (request.url?.split('?', 1)[0] === '/healthz') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}')
      return
    }
    const problem = problemOf(new LedgerError('unavailable', missing().join('; ')))
    response
      .writeHead(503, { 'content-type': PROBLEM_TYPE, 'retry-after': RETRY_SECONDS })
      .end(problemText({ ...problem, members: { missing: missing() } }))
  }
}
