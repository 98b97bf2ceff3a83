import type { IRouter } from 'express'
import { z } from 'zod'
import type { DeadLetter } from '../../jobs/dead-letters.ts'
import type { HttpOptions } from '../options.ts'
import { doerOf } from '../request/doer.ts'
import { NO_FIELDS } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readBody, readQuery } from '../request/validate.ts'

const NOT_IDS = 'must be a list of 1 to 1000 ids as GET /admin/dead-letters shows them'

/** The id of a job. */
export const letterId = z.uuid({ error: 'must be the id of a dead letter' })

export const REDRIVE_BODY = z.strictObject({
  ids: z.array(letterId, { error: NOT_IDS }).min(1, NOT_IDS).max(1000, NOT_IDS).optional(),
})

/** Jobs that the queue has given up: what they were, and the way to try them again. */
export function addDeadLetterRoutes(
  router: IRouter,
  { readDeadLetters, redriveDeadLetters, log }: HttpOptions,
): void {
  addRoute(router, '/admin/dead-letters', {
    get: async (request, response) => {
      readQuery(request, NO_FIELDS)
      response.json({ data: (await readDeadLetters()).map(letterJson) })
    },
  })
  addRoute(router, '/admin/dead-letters/redrive', {
    post: async (request, response) => {
      readQuery(request, NO_FIELDS)
      const { ids = 'all' } = readBody(request, REDRIVE_BODY)
      const by = doerOf(response)
      const { asked, left } = await redriveDeadLetters(ids, by)
      log.info('dead letters tried again', { companies: asked, left, ...by })
      response.status(202).json({ requested: asked, left })
    },
  })
}

function letterJson({ id, realmId, at, queuedAt, attempts, code, message }: DeadLetter) {
  return { id, realmId, at, queuedAt, attempts, error: { code, message } }
}
