import type { RequestHandler } from 'express'
import { readCallsPause } from '../../connections/service-state.ts'
import type { Database } from '../../db/database.ts'

export interface Stopped {
  readonly code: string
  readonly since: Date
  /** When one company tries whether it is over; for a spent budget, when the next month begins. */
  readonly until: Date
}

/** The stop of all calls to QuickBooks that is in force; null while there is none. */
export async function readStop({ knex, clock }: Database): Promise<Stopped | null> {
  const pause = await readCallsPause(knex, clock.now())
  if (!pause?.since) return null
  const { code, since, until } = pause
  return { code, since, until }
}

/** Adds `stopped` to every answer while a stop is in force: nobody who asks about a company should miss it. */
export function tellStop(database: Database): RequestHandler {
  return async (_request, response, next) => {
    const stopped = await readStop(database)
    if (stopped) {
      const send = response.json.bind(response)
      response.json = (body: object) => send({ ...body, stopped })
    }
    next()
  }
}
