import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { IRouter, Request, Response } from 'express'
import { z } from 'zod'
import { FLAGS } from '../../books/portfolio/flags.ts'
import { readPortfolio, type Portfolio, type PortfolioQuestion } from '../../books/portfolio/portfolio.ts'
import { PORTFOLIO_SORTS, type PortfolioSort } from '../../books/portfolio/portfolio-order.ts'
import type { HttpOptions } from '../options.ts'
import { oneOf, plainText } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readQuery } from '../request/validate.ts'
import { MOMENT_FIELDS } from './list-query.ts'

/** What the portfolio can be narrowed and sorted by. */
export const PORTFOLIO_FIELDS = {
  flag: oneOf(FLAGS).optional(),
  tag: plainText(50).optional(),
  search: plainText(100).optional(),
  sort: oneOf(PORTFOLIO_SORTS.flatMap((sort) => [sort, `-${sort}`]))
    .default('worst')
    .transform((sort) => {
      const descending = sort.startsWith('-')
      return { by: (descending ? sort.slice(1) : sort) as PortfolioSort, descending }
    }),
}

export const PORTFOLIO_QUERY = z.strictObject({ ...PORTFOLIO_FIELDS, ...MOMENT_FIELDS })

type Options = Pick<HttpOptions, 'database' | 'intervalSeconds'>

export function addPortfolioRoute(router: IRouter, options: Options): void {
  const answers = rememberAnswers(options)
  addRoute(router, '/api/portfolio', {
    get: async (request, response) => {
      const { asOf, sourceAsOf, sort, ...filters } = readQuery(request, PORTFOLIO_QUERY)
      const question = { moment: { asOf, sourceAsOf }, filters, order: sort }
      await send(request, response, await answers(question))
    },
  })
}

interface Answer {
  readonly etag: string
  readonly text: string
  /** Made when somebody first asks for it. */
  zipped: Promise<Buffer> | null
}

// A dashboard that every desk of a firm has open asks a hundred times a second; no run is felt within one.
const REMEMBERED_MS = 1_000
// Filters and moments differ between readers; a memory of every one would grow without a bound.
const MOST_REMEMBERED = 20

/**
 * The same question within a second is answered from memory, by a clock that no setting of the time moves. A question
 * that fails is forgotten.
 */
function rememberAnswers(options: Options): (question: PortfolioQuestion) => Promise<Answer> {
  const { clock } = options.database
  const answers = new Map<string, { readonly answer: Promise<Answer>; readonly askedAtMs: number }>()
  return (question) => {
    const key = JSON.stringify(question)
    const known = answers.get(key)
    if (known && clock.elapsedMs() - known.askedAtMs < REMEMBERED_MS) return known.answer
    const answer = readPortfolio(options, question).then(answerOf)
    answers.delete(key)
    answers.set(key, { answer, askedAtMs: clock.elapsedMs() })
    if (answers.size > MOST_REMEMBERED) answers.delete(answers.keys().next().value!)
    answer.catch(() => answers.delete(key))
    return answer
  }
}

function answerOf(portfolio: Portfolio): Answer {
  const { data, totals } = portfolio
  const shown = { data: data.map(({ group: _group, timeZone: _timeZone, ...company }) => company), totals }
  return { etag: etagOf(shown), text: JSON.stringify(shown), zipped: null }
}

/** Weak: a lag grows by itself every second, and says nothing that `lastSyncedAt` and `late` do not. */
function etagOf(shown: object): string {
  const lasting = JSON.stringify(shown, (name, value: unknown) => (name === 'lagSeconds' ? undefined : value))
  return `W/"${createHash('sha256').update(lasting).digest('base64url').slice(0, ETAG_LENGTH)}"`
}

const ETAG_LENGTH = 22
const zip = promisify(gzip)
// A tenth of the time of the usual level, for a tenth more bytes.
const FAST = { level: 1 }

async function send(request: Request, response: Response, answer: Answer): Promise<void> {
  response.set('ETag', answer.etag).set('Vary', 'Accept-Encoding').set('Cache-Control', 'private, no-cache')
  if (request.fresh) return void response.status(304).end()
  response.type('json')
  if (request.acceptsEncodings('gzip') === false) return void response.send(answer.text)
  answer.zipped ??= zip(answer.text, FAST)
  response.set('Content-Encoding', 'gzip').send(await answer.zipped)
}
