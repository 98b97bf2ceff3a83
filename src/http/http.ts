import express, { type Express } from 'express'
import helmet from 'helmet'
import { LedgerError } from '../domain/ledger-error.ts'
import { requireBearer } from './request/bearer.ts'
import { addCompanyRoutes } from './companies/company-routes.ts'
import { addDisappearanceRoutes } from './companies/disappearance-routes.ts'
import { addAtRiskRoute } from './connections/at-risk-route.ts'
import { addDeadLetterRoutes } from './dead-letters/dead-letter-routes.ts'
import { addEventRoutes } from './events/event-routes.ts'
import { answerErrors } from './problem/errors.ts'
import { addHealthRoutes } from './probes/health-routes.ts'
import { tellStop } from './probes/stopped.ts'
import { readJsonBody } from './request/json-body.ts'
import { addMetricsRoute } from './probes/metrics-route.ts'
import { addCompanyList } from './api/company-list.ts'
import { addChangeRoutes } from './api/change-routes.ts'
import { addMirrorRoutes } from './api/mirror-routes.ts'
import { addPortfolioRoute } from './api/portfolio-routes.ts'
import { addVersionRoutes } from './api/version-routes.ts'
import type { HttpOptions } from './options.ts'
import { addRejectRoutes } from './rejects/reject-routes.ts'
import { addReferenceRoute } from './reference/reference-route.ts'
import { observeRequests } from './request/request-log.ts'
import { addRunRoutes } from './runs/run-routes.ts'
import { addSyncRoutes } from './sync/sync-routes.ts'
import { addWebhookRoute } from './webhooks/webhook-route.ts'

export { closeServer } from './server/close-server.ts'
export { openServer } from './server/open-server.ts'

/** The service's HTTP side. Everything under `/admin` and `/api` requires a token before any route is matched. */
export function createHttp(options: HttpOptions): Express {
  const app = express()
  // The same unchanged page is rarely requested twice, and hashing every page costs more than it saves.
  app.disable('etag')
  app.use(observeRequests(options))
  // Also removes Express's name from the headers.
  app.use(helmet())
  addHealthRoutes(app, options)
  addReferenceRoute(app, options.version)
  if (options.metricsToken !== null) app.use('/metrics', requireBearer(options.metricsToken))
  addMetricsRoute(app, options)
  addWebhookRoute(app, options)
  options.addPages?.(app)
  const { adminToken, readToken } = options
  app.use('/admin', requireBearer(adminToken))
  app.use('/api', requireBearer(adminToken, ...(readToken === null ? [] : [readToken])))
  app.use(['/admin', '/api'], forbidCaching, readJsonBody())
  app.use('/admin', tellStop(options.database))
  addCompanyRoutes(app, options)
  addDisappearanceRoutes(app, options)
  addAtRiskRoute(app, options)
  addDeadLetterRoutes(app, options)
  addEventRoutes(app, options)
  addRejectRoutes(app, options)
  // Before the routes of one company: `runs` would be taken for a realm id.
  addRunRoutes(app, options)
  addSyncRoutes(app, options)
  addCompanyList(app, options)
  addPortfolioRoute(app, options)
  addMirrorRoutes(app, options)
  addVersionRoutes(app, options)
  addChangeRoutes(app, options)
  app.use(() => {
    throw new LedgerError('not_found', 'there is nothing at this address')
  })
  app.use(answerErrors())
  return app
}

/** Other people's books must not be cached by a proxy or a browser. */
const forbidCaching: express.RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store')
  next()
}
