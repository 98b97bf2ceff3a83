import type { Request, Response } from 'express'
import { z } from 'zod'
import type { Moment } from '../books/moment.ts'
import type { CallsPause } from '../connections/service-state.ts'
import type { Database } from '../db/database.ts'
import { MOMENT_FIELDS } from '../http/api/list-query.ts'
import { requestIdOf } from '../http/request/request-log.ts'
import { readQuery } from '../http/request/validate.ts'
import { addressOf, type Address } from './address.ts'
import { lookOf, type Look } from './look.ts'
import { notedStop } from './note-stop.ts'

/** What every page knows of the request it answers. */
export interface PageContext {
  readonly address: Address
  readonly now: Date
  readonly look: Look
  /** The moment of the books that the reader has chosen. */
  readonly moment: Moment
  readonly requestId: string
  /** Why nothing is read from QuickBooks at present; null while all goes on. */
  readonly stop: CallsPause | null
}

const MOMENT = z.object(MOMENT_FIELDS)

/** @throws LedgerError `invalid_request` when the moment in the address is none. */
export function contextOf(database: Database, request: Request, response: Response): PageContext {
  return {
    address: addressOf(request),
    now: database.clock.now(),
    look: lookOf(request),
    moment: readQuery(request, MOMENT),
    requestId: requestIdOf(response),
    stop: notedStop(response),
  }
}

/** The same for a page that says what is wrong with the request: it has no moment. */
export function plainContextOf(database: Database, request: Request, response: Response): PageContext {
  return {
    address: { path: addressOf(request).path, query: new URLSearchParams() },
    now: database.clock.now(),
    look: lookOf(request),
    moment: { asOf: null, sourceAsOf: null },
    requestId: requestIdOf(response),
    stop: notedStop(response),
  }
}
