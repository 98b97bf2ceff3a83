import type { IRouter } from 'express'
import type { Logger } from 'winston'
import { LedgerError } from '../../domain/ledger-error.ts'
import { POSTGRES_AWAY } from '../../db/postgres-away.ts'
import { sendProblem } from '../problem/errors.ts'
import type { HttpOptions } from '../options.ts'
import { problemOf } from '../problem/problem.ts'
import { readStop } from './stopped.ts'
import { addRoute } from '../request/route.ts'

/** Open to everybody, and lenient about queries: probes add what they like. */
export function addHealthRoutes(
  router: IRouter,
  { readiness, database, log }: Pick<HttpOptions, 'readiness' | 'database' | 'log'>,
): void {
  const tell = changesTold(log)
  addRoute(router, '/healthz', {
    get: (_request, response) => {
      response.json({ status: 'ok' })
    },
  })
  addRoute(router, '/readyz', {
    get: async (_request, response) => {
      const missing = await readiness()
      tell(missing)
      if (missing.length === 0) {
        // Ready all the same: the mirror can be read.
        response.json({ status: 'ready', stopped: await readStop(database) })
      } else {
        const problem = problemOf(new LedgerError('unavailable', missing.join('; ')))
        sendProblem(response, { ...problem, members: { missing } })
      }
    },
  })
}

/** Probes come every few seconds; only a change is logged. Of a Postgres that is away the log tells anyway. */
function changesTold(log: Logger): (missing: readonly string[]) => void {
  let known = ''
  return (missing) => {
    const found = missing.filter((reason) => reason !== POSTGRES_AWAY).join('; ')
    if (found === known) return
    known = found
    if (found === '') log.info('ready again')
    else log.warn('not ready', { missing })
  }
}
