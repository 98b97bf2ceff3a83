import type { IRouter } from 'express'
import { LedgerError } from '../domain/ledger-error.ts'
import { sendProblem } from './errors.ts'
import type { HttpOptions } from './options.ts'
import { problemOf } from './problem.ts'
import { noteFailure } from './request-log.ts'
import { addRoute } from './route.ts'

/** Open to everybody, and lenient about queries: probes add what they like. */
export function addHealthRoutes(router: IRouter, { readiness }: Pick<HttpOptions, 'readiness'>): void {
  addRoute(router, '/healthz', {
    get: (_request, response) => {
      response.json({ status: 'ok' })
    },
  })
  addRoute(router, '/readyz', {
    get: async (_request, response) => {
      const missing = await readiness()
      if (missing.length === 0) {
        response.json({ status: 'ready' })
        return
      }
      const error = new LedgerError('unavailable', missing.join('; '))
      noteFailure(response, error)
      const problem = problemOf(error)
      sendProblem(response, { ...problem, members: { missing } })
    },
  })
}
