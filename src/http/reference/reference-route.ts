import type { IRouter } from 'express'
import { NO_FIELDS } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readQuery } from '../request/validate.ts'
import { openApi } from './openapi.ts'

/** The description holds nothing of any company, so it is open: a client is made before there is a token. */
export function addReferenceRoute(router: IRouter, version: string): void {
  const document = openApi(version)
  addRoute(router, '/openapi.json', {
    get: (request, response) => {
      readQuery(request, NO_FIELDS)
      response.json(document)
    },
  })
}
