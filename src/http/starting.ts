import type { RequestListener } from 'node:http'

/** Answers while the service is not there yet: alive, not ready, and why. */
export function answerWhileStarting(missing: () => readonly string[]): RequestListener {
  return (request, response) => {
    if (request.url === '/healthz') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}')
      return
    }
    const problem = {
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      code: 'unavailable',
      detail: missing().join('; '),
      missing: missing(),
    }
    response
      .writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '2' })
      .end(JSON.stringify(problem))
  }
}
