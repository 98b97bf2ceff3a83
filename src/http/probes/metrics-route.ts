import type { IRouter } from 'express'
import type { HttpOptions } from '../options.ts'
import { addRoute } from '../request/route.ts'

export function addMetricsRoute(router: IRouter, { metrics }: Pick<HttpOptions, 'metrics'>): void {
  addRoute(router, '/metrics', {
    get: async (_request, response) => {
      const text = await metrics.render()
      response.set('Content-Type', metrics.contentType).send(text)
    },
  })
}
