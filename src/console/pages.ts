import type { ErrorRequestHandler, IRouter, Request, Response } from 'express'
import type { Database } from '../db/database.ts'
import { noteFailure } from '../http/request/request-log.ts'
import { problemOf } from '../http/problem/problem.ts'
import { addRoute } from '../http/request/route.ts'
import type { Assets } from './assets/assets.ts'
import { contextOf, plainContextOf, type PageContext } from './context.ts'
import { errorPage } from './error-page.ts'
import { documentOf, type Page } from './document.ts'

export interface Pages {
  readonly router: IRouter
  readonly database: Database
  readonly assets: Assets
}

/** A page at an address: a function from the request to what it shows. */
export function addPage(
  { router, database, assets }: Pages,
  path: string,
  show: (request: Request, context: PageContext) => Promise<Page>,
): void {
  addRoute(router, path, {
    get: async (request, response) => {
      const context = contextOf(database, request, response)
      sendPage(response, assets, await show(request, context), context)
    },
  })
}

/** A form's address: does what was asked for and leads to the page that shows the outcome. */
export function addAction(
  { router }: Pages,
  path: string,
  act: (request: Request, response: Response) => Promise<string>,
): void {
  addRoute(router, path, {
    post: async (request, response) => {
      response.redirect(SEE_OTHER, await act(request, response))
    },
  })
}

export const SEE_OTHER = 303

export function sendPage(response: Response, assets: Assets, page: Page, context: PageContext): void {
  response.type('html').send(documentOf(page, context, assets))
}

/** Whatever a page throws becomes a page that says what a person can do. */
export function answerWithErrorPage({ database, assets }: Pages): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    if (response.headersSent) return next(thrown)
    const problem = problemOf(thrown)
    if (problem.status >= 500) noteFailure(response, thrown)
    response.status(problem.status).set(problem.headers)
    const context = plainContextOf(database, request, response)
    sendPage(response, assets, errorPage(problem, context), context)
  }
}
