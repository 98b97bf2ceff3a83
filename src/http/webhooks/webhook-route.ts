import express, { type IRouter, type Request, type RequestHandler } from 'express'
import { LedgerError } from '../../domain/ledger-error.ts'
import { readWebhook } from '../../quickbooks/webhook-events.ts'
import { isSigned } from '../../quickbooks/webhook-signature.ts'
import type { HttpOptions } from '../options.ts'
import { problemOf } from '../problem/problem.ts'
import { sendProblem } from '../problem/errors.ts'
import { NO_FIELDS } from '../request/fields.ts'
import { refuseLarger } from '../request/json-body.ts'
import { requestIdOf } from '../request/request-log.ts'
import { addRoute } from '../request/route.ts'
import { readQuery } from '../request/validate.ts'

const PATH = '/webhooks/quickbooks'
// A flood of 10,000 events has some 3 MB.
const LARGEST_BODY_BYTES = 5 * 1024 * 1024
// Of all bodies together while they arrive: whoever sends them is not known before they are read, and a thousand
// connections with the largest would take 5 GB.
const MOST_ARRIVING_BYTES = 32 * 1024 * 1024

type Options = Pick<HttpOptions, 'webhookVerifierToken' | 'requestByWebhook' | 'log'>

/**
 * Intuit tells that something changed. The answer is 200 with nothing in it as soon as runs are asked for: Intuit waits
 * 3 seconds, tries again for hours, and holds back later events meanwhile.
 */
export function addWebhookRoute(router: IRouter, options: Options): void {
  router.use(
    PATH,
    refuseUnset(options),
    refuseLarger(LARGEST_BODY_BYTES),
    refuseFlood(),
    express.raw({ type: () => true, limit: LARGEST_BODY_BYTES, inflate: false }),
  )
  addRoute(router, PATH, {
    post: async (request, response) => {
      readQuery(request, NO_FIELDS)
      if (!isSigned(bodyOf(request), request.get('intuit-signature'), options.webhookVerifierToken!)) {
        const refused = new LedgerError(
          'unauthorized',
          'the body is not signed with QBO_WEBHOOK_VERIFIER_TOKEN',
        )
        return sendProblem(response, { ...problemOf(refused), headers: {} })
      }
      await take(options, bodyOf(request).toString('utf8'), requestIdOf(response))
      response.status(200).end()
    },
  })
}

async function take({ requestByWebhook, log }: Options, text: string, requestId: string): Promise<void> {
  const events = readWebhook(text)
  const { asked, unknown } = await requestByWebhook(events)
  const { ignored, unreadable } = events
  const facts = { requestId, companies: asked.length, unknown: unknown.length, ignored, unreadable }
  if (unreadable > 0) log.warn('a webhook could not be read in full', facts)
  else log.debug('webhook', facts)
}

function refuseUnset({ webhookVerifierToken }: Options): RequestHandler {
  return (request, response, next) => {
    if (webhookVerifierToken !== null || request.method !== 'POST') return next()
    const unset = 'webhooks are taken once QBO_WEBHOOK_VERIFIER_TOKEN is set'
    sendProblem(response, problemOf(new LedgerError('unavailable', unset)))
  }
}

/** Intuit sends again what is not taken, and every company is asked at its interval. */
function refuseFlood(): RequestHandler {
  let arrivingBytes = 0
  return (request, response, next) => {
    const bytes = Number(request.get('content-length') ?? LARGEST_BODY_BYTES)
    if (arrivingBytes + bytes > MOST_ARRIVING_BYTES) {
      return sendProblem(
        response,
        problemOf(new LedgerError('unavailable', 'too many webhooks arrive at once')),
      )
    }
    arrivingBytes += bytes
    response.once('close', () => (arrivingBytes -= bytes))
    next()
  }
}

/** Express leaves a body that is not there undefined. */
function bodyOf({ body }: Request): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}
