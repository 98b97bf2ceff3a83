import express, { type Express } from 'express'
import helmet from 'helmet'
import { LedgerError } from '../domain/ledger-error.ts'
import { requireBearer } from './bearer.ts'
import { addCompanyRoutes } from './company-routes.ts'
import { answerErrors } from './errors.ts'
import { addHealthRoutes } from './health-routes.ts'
import { readJsonBody } from './json-body.ts'
import { addMetricsRoute } from './metrics-route.ts'
import { addMirrorRoutes } from './mirror-routes.ts'
import type { HttpOptions } from './options.ts'
import { addRejectRoutes } from './reject-routes.ts'
import { observeRequests } from './request-log.ts'
import { addRunRoutes } from './run-routes.ts'
import { addSyncRoutes } from './sync-routes.ts'

export { closeServer } from './close-server.ts'
export { openServer } from './open-server.ts'

/** The service's HTTP side. Everything under `/admin` and `/api` is behind the token before any route is looked for. */
export function createHttp(options: HttpOptions): Express {
  const app = express()
  // Pages of a mirror are rarely asked for twice unchanged, and hashing each of them costs more than it saves.
  app.disable('etag')
  app.use(observeRequests(options))
  // Takes Express’s own name out of the headers too.
  app.use(helmet())
  addHealthRoutes(app, options)
  if (options.metricsToken !== null) app.use('/metrics', requireBearer(options.metricsToken))
  addMetricsRoute(app, options)
  app.use(['/admin', '/api'], requireBearer(options.adminToken), forbidCaching, readJsonBody())
  addCompanyRoutes(app, options)
  addRejectRoutes(app, options)
  // Before the routes of one company: `runs` would be taken for its number.
  addRunRoutes(app, options)
  addSyncRoutes(app, options)
  addMirrorRoutes(app, options)
  app.use(() => {
    throw new LedgerError('not_found', 'there is nothing at this address')
  })
  app.use(answerErrors())
  return app
}

/** Other people's books must not stay behind in a proxy or a browser. */
const forbidCaching: express.RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store')
  next()
}
