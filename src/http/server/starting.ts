import type { RequestListener } from 'node:http'
import type { Logger } from 'winston'
import { LedgerError } from '../../domain/ledger-error.ts'
import { PROBLEM_TYPE, problemOf, problemText } from '../problem/problem.ts'
import { REQUEST_ID, requestIdFor } from '../request/request-id.ts'

// The next step of a start comes within seconds.
const RETRY_SECONDS = '2'

/** Answers while the service is starting or stopping: alive, not ready, and why. */
export function answerWhileStarting(missing: () => readonly string[], log: Logger): RequestListener {
  return (request, response) => {
    const requestId = requestIdFor(request.headers[REQUEST_ID])
    response.setHeader(REQUEST_ID, requestId)
    if (request.url?.split('?', 1)[0] === '/healthz') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}')
      return
    }
    log.debug('request refused', { requestId, status: 503, detail: missing().join('; ') })
    const problem = problemOf(new LedgerError('unavailable', missing().join('; ')))
    response
      .writeHead(503, { 'content-type': PROBLEM_TYPE, 'retry-after': RETRY_SECONDS })
      .end(problemText({ ...problem, members: { missing: missing() } }, requestId))
  }
}
