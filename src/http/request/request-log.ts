import type { ServerResponse } from 'node:http'
import type { Request, RequestHandler, Response } from 'express'
import type { HttpOptions } from '../options.ts'
import { REQUEST_ID, requestIdFor } from './request-id.ts'

// A path is at most a few ids long; what is longer is noise.
const LONGEST_PATH = 200
// What nginx logs for a client that went away; no answer was sent.
const CLIENT_GONE = 499

const failures = new WeakMap<Response, unknown>()
const cutOff = new WeakMap<ServerResponse, number>()

/** Gives each request an id, and reports its outcome to the log and the metrics. */
export function observeRequests({
  database,
  log,
  metrics,
}: Pick<HttpOptions, 'database' | 'log' | 'metrics'>): RequestHandler {
  return (request, response, next) => {
    const startedAt = database.clock.now().getTime()
    response.set(REQUEST_ID, requestIdFor(request.get(REQUEST_ID)))
    response.once('close', () => {
      const durationMs = Math.max(0, database.clock.now().getTime() - startedAt)
      const status = response.writableFinished ? response.statusCode : (cutOff.get(response) ?? CLIENT_GONE)
      const route = routeOf(request)
      metrics.observeHttpRequest({
        method: request.method,
        route,
        status: String(status),
        seconds: durationMs / 1000,
      })
      log.log(failures.has(response) ? 'error' : 'debug', 'http request', {
        requestId: requestIdOf(response),
        method: request.method,
        path: pathOf(request),
        route,
        status,
        durationMs,
        ...(failures.has(response) && { error: failures.get(response) }),
      })
    })
    next()
  }
}

/** Attaches an internal error to the request's log line, which then has level error. */
export function noteFailure(response: Response, thrown: unknown): void {
  failures.set(response, thrown)
}

/** Records the status with which the server refused a request before it was complete. */
export function noteCutOff(response: ServerResponse, status: number): void {
  cutOff.set(response, status)
}

export function requestIdOf(response: Response): string {
  return String(response.getHeader(REQUEST_ID))
}

/** Never the query: people may put tokens there, and those must stay out of the log. */
function pathOf(request: Request): string {
  return (request.originalUrl.split('?', 1)[0] ?? '').slice(0, LONGEST_PATH)
}

function routeOf(request: Request): string {
  return (request.route as { path: string } | undefined)?.path ?? 'none'
}
