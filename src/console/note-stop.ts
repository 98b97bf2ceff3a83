import type { RequestHandler, Response } from 'express'
import { readCallsPause, type CallsPause } from '../connections/service-state.ts'
import type { Database } from '../db/database.ts'

/** Looks whether all calls are stopped, so that whatever page answers can say so. */
export function noteStop({ knex, clock }: Database): RequestHandler {
  return async (_request, response, next) => {
    const pause = await readCallsPause(knex, clock.now())
    if (pause?.since) noted.set(response, pause)
    next()
  }
}

/** The stop in force when the request came; null where there was none, or nobody is signed in who should know. */
export function notedStop(response: Response): CallsPause | null {
  return noted.get(response) ?? null
}

const noted = new WeakMap<Response, CallsPause>()
