import compression from 'compression'
import { Router, urlencoded, type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { LedgerError } from '../domain/ledger-error.ts'
import { serveAssets } from './assets/assets.ts'
import { addChangePages } from './changes/change-pages.ts'
import { addCompanyActions } from './company/company-action-routes.ts'
import { addConnectionPage } from './company/connection-page.ts'
import { addListPages } from './company/list-page.ts'
import { addOverviewPage } from './company/overview-page.ts'
import { addCompanyRunsPage } from './company/runs-page.ts'
import { addProgressStream } from './company/progress-stream.ts'
import { addTimelinePage } from './company/timeline-page.ts'
import { addFrameRoutes } from './frame-routes.ts'
import { noteStop } from './note-stop.ts'
import type { ConsoleOptions } from './options.ts'
import { answerWithErrorPage, SEE_OTHER, type Pages } from './pages.ts'
import { addPortfolioPage } from './portfolio/portfolio-page.ts'
import { addRecordPages } from './records/record-pages.ts'
import { addReferencePage } from './reference/reference-page.ts'
import { addDeadLetterPages } from './runs/dead-letter-pages.ts'
import { addQueuePage } from './runs/queue-page.ts'
import { addRejectPages } from './runs/reject-pages.ts'
import { addRunPages } from './runs/run-pages.ts'
import { addSearchPage } from './search/search-page.ts'
import { createAttempts } from './session/attempts.ts'
import { requireSameOrigin } from './session/same-origin.ts'
import { addSessionRoutes, requireSession, requireSessionOrToken } from './session/session-routes.ts'
import { createSessions } from './session/session.ts'

/** The pages a person looks at, as routes of the service. To be added before what asks for a bearer token. */
export function addConsole(app: Express, options: ConsoleOptions): void {
  const { database, adminToken, signInKey, log } = options
  const router = Router()
  router.use(PATHS, policy(), compression(), forbidCaching, requireSameOrigin())
  const assets = serveAssets(router)
  const pages: Pages = { router, database, assets }
  const sessions = createSessions(database, adminToken)
  router.get('/', (_request, response) => response.redirect(SEE_OTHER, '/console'))
  addSessionRoutes(pages, { sessions, attempts: createAttempts(database), adminToken, signInKey, log })
  addReferencePage(pages, options.version)
  router.use('/console', requireSession(sessions), noteStop(database))
  router.use(QUEUES, requireSessionOrToken(sessions, adminToken), noteStop(database))
  router.use('/console', urlencoded({ extended: false, limit: LONGEST_FORM }))
  addFrameRoutes(pages)
  addPortfolioPage(pages, options)
  addChangePages(pages, options)
  addCompanyActions(pages, options)
  addProgressStream(pages, options)
  addOverviewPage(pages, options)
  addListPages(pages, options)
  addTimelinePage(pages, options)
  addCompanyRunsPage(pages, options)
  addConnectionPage(pages, options)
  addRecordPages(pages, options)
  // Before the page of one run: their names would be taken for its id.
  addRejectPages(pages, options)
  addDeadLetterPages(pages, options)
  addQueuePage(pages, options)
  addRunPages(pages, options)
  addSearchPage(pages, options)
  router.use('/console', () => {
    throw new LedgerError('not_found', 'there is no page at this address')
  })
  router.use(answerWithErrorPage(pages))
  app.use(router)
}

// A thousand chosen rows fit.
const LONGEST_FORM = 100_000
const QUEUES = '/admin/queues'
const PATHS = ['/console', '/login', '/logout', '/docs', QUEUES]

/** Other people's books; a file that never changes says otherwise itself. */
const forbidCaching: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store')
  next()
}

/** Only what we serve ourselves, nothing written into the page, and no other site's frame around it. */
function policy(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    // Within the console the path helps; outside, client names in a search would leak. Without any, forms would not
    // say where they come from.
    referrerPolicy: { policy: 'same-origin' },
  })
}
