import { Router } from 'express'
import type { Request, Response } from 'express'
import { Refusal } from './answer.ts'
import type { Answer } from './answer.ts'
import { answerBatch, batchItems, batchWrites } from './batch.ts'
import type { Call, Operation } from './call-log.ts'
import { answerCdc } from './cdc.ts'
import type { CompanyState } from './company-state.ts'
import { beginExchange, finishExchange, strike } from './exchange.ts'
import type { Exchange, ExchangeServices } from './exchange.ts'
import { adminRightsLost } from './fault-answers.ts'
import {
  notAuthorized,
  quotaExhausted,
  throttled,
  tokenExpired,
  unreadableRecord,
  writeRefused,
} from './fault-bodies.ts'
import { createLimiter } from './limits.ts'
import { seededRandom } from './random.ts'
import { answerCompanyInfo, answerPreferences, answerQuery, answerRead, entityNamed } from './read-answers.ts'
import type { TokenServer } from './tokens.ts'
import type { ReadTrouble } from './trouble.ts'
import { ENTITIES } from './wire.ts'

/** Somebody tried to change the books over the API. */
export interface WriteAttempt {
  atMs: number
  realmId: string
  method: string
  path: string
  body: string
}

export interface DataServices extends ExchangeServices {
  tokens: TokenServer
  company(realmId: string): CompanyState | null
  writes: WriteAttempt[]
}

interface Reading {
  operation: Operation
  entity: string | null
  query: string | null
  produce(company: CompanyState, nowMs: number, trouble: ReadTrouble): Answer
}

/** `/v3/company/:realmId/…`: what an app may read. */
export function dataRoutes(services: DataServices): Router {
  const router = Router({ caseSensitive: true, strict: true })
  const limiter = createLimiter(services.now)

  const serve = async (request: Request, response: Response, reading: Reading) => {
    const realmId = realmOf(request)
    const exchange = beginExchange(services, { ...callOf(request, reading), realmId })
    await finishExchange(services, response, exchange, () => {
      const company = authorized(services, request, realmId, exchange.call.atMs)
      enforceLimits(services, limiter.admits, exchange)
      return reading.produce(company, exchange.call.atMs, troubleOf(services, exchange))
    })
  }

  router.get('/:realmId/query', (request, response) =>
    serve(request, response, queryOf(textOf(request.query.query))),
  )
  router.post('/:realmId/query', (request, response) => serve(request, response, queryOf(bodyOf(request))))
  router.get('/:realmId/cdc', (request, response) =>
    serve(request, response, cdcOf(textOf(request.query.entities), textOf(request.query.changedSince))),
  )
  router.get('/:realmId/preferences', (request, response) => serve(request, response, PREFERENCES))
  router.get('/:realmId/companyinfo/:id', (request, response) => serve(request, response, COMPANY_INFO))
  for (const entity of ENTITIES) {
    router.get(`/:realmId/${entity.toLowerCase()}/:id`, (request, response) =>
      serve(request, response, {
        operation: 'read',
        entity,
        query: null,
        produce: (company, nowMs, trouble) =>
          answerRead(company, entity, String(request.params.id), nowMs, trouble),
      }),
    )
  }
  router.post('/:realmId/batch', (request, response, next) => {
    const items = batchItems(parsedBody(request))
    if (items === null || batchWrites(items)) return next()
    return serve(request, response, batchOf(items))
  })
  router.use('/:realmId', (request, response) => refuse(services, request, response))
  return router
}

const PREFERENCES: Reading = {
  operation: 'preferences',
  entity: 'Preferences',
  query: null,
  produce: answerPreferences,
}

const COMPANY_INFO: Reading = {
  operation: 'companyinfo',
  entity: 'CompanyInfo',
  query: null,
  produce: answerCompanyInfo,
}

function queryOf(statement: string): Reading {
  const named = /\bfrom\s+(\w+)/i.exec(statement)?.[1] ?? ''
  return {
    operation: 'query',
    entity: entityNamed(named),
    query: statement,
    produce: (company, nowMs, trouble) => answerQuery(company, statement, nowMs, trouble),
  }
}

function cdcOf(entities: string, changedSince: string): Reading {
  return {
    operation: 'cdc',
    entity: entities,
    query: changedSince,
    produce: (company, nowMs, trouble) => answerCdc(company, { entities, changedSince }, nowMs, trouble),
  }
}

function batchOf(items: { bId: string; Query?: string }[]): Reading {
  return {
    operation: 'batch',
    entity: null,
    query: items.map(({ Query }) => Query).join('; '),
    produce: (company, nowMs, trouble) => answerBatch(company, items, nowMs, trouble),
  }
}

/** Anything that would write is recorded and refused; any other unknown path is 404. */
async function refuse(services: DataServices, request: Request, response: Response): Promise<void> {
  const isWrite = request.method !== 'GET' && request.method !== 'HEAD'
  const operation: Operation = isWrite ? 'write' : 'unknown'
  const realmId = realmOf(request)
  const call = callOf(request, { operation, entity: null, query: null })
  const exchange = beginExchange(services, { ...call, realmId })
  if (isWrite) {
    const { method, originalUrl: path } = request
    services.writes.push({ atMs: exchange.call.atMs, realmId, method, path, body: bodyOf(request) })
  }
  await finishExchange(services, response, exchange, () =>
    isWrite
      ? writeRefused(exchange.call.atMs)
      : { status: 404, contentType: 'text/plain', body: 'Not Found' },
  )
}

function callOf(
  request: Request,
  { operation, entity, query }: Pick<Reading, 'operation' | 'entity' | 'query'>,
): Omit<Call, 'status' | 'metered' | 'atMs' | 'intuitTid' | 'realmId'> {
  return { operation, entity, query, method: request.method, path: request.originalUrl }
}

function authorized(services: DataServices, request: Request, realmId: string, nowMs: number): CompanyState {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const realmOfToken = services.tokens.realmOf(token)
  if (realmOfToken === null) throw new Refusal(tokenExpired(nowMs))
  const company = services.company(realmId)
  if (realmOfToken !== realmId || company === null) throw new Refusal(notAuthorized(nowMs))
  const person = services.tokens.connectedBy(realmId)
  if (person === null || !services.tokens.isAdmin(realmId, person)) {
    throw new Refusal(adminRightsLost(nowMs))
  }
  return company
}

function enforceLimits(
  services: DataServices,
  admits: (realmId: string, isBatch: boolean) => boolean,
  exchange: Exchange,
): void {
  const limits = strike(exchange, 'enforceLimits')
  if (!limits) return
  const { call } = exchange
  const quota = limits.spec.monthlyQuota ?? Infinity
  if (services.calls.meteredCount() >= quota) throw new Refusal(quotaExhausted(call.atMs))
  if (!admits(call.realmId ?? '', call.operation === 'batch')) throw new Refusal(throttled(call.atMs))
}

function troubleOf(services: DataServices, exchange: Exchange): ReadTrouble {
  const poison = exchange.faults.filter(({ spec }) => spec.kind === 'poisonedRecord')
  const { call } = exchange
  return {
    extraRows: strike(exchange, 'limitPlusOne') ? 1 : 0,
    missingRows: missingRows(exchange),
    scramble: strike(exchange, 'scrambleTies') ? seededRandom('ties', services.seed, call.intuitTid) : null,
    lagMs: (strike(exchange, 'staleRead')?.spec.lagSeconds ?? 0) * 1000,
    refusalFor: (entity, id) => {
      const fault = poison.find(({ strikesLeft, spec: { entity: poisoned = entity, recordId } }) => {
        return strikesLeft > 0 && recordId === id && poisoned.toLowerCase() === entity.toLowerCase()
      })
      if (!fault) return null
      fault.strikesLeft -= 1
      return unreadableRecord(call.atMs, fault.spec.status, fault.spec.code)
    },
    isFaulty: (entity) => {
      const fault = exchange.faults.find(({ spec }) => spec.kind === 'groupFault')
      const struck = fault && (fault.spec.entity ?? entity).toLowerCase() === entity.toLowerCase()
      return struck === true && strike(exchange, 'groupFault') !== null
    },
  }
}

function missingRows(exchange: Exchange): number {
  const short = strike(exchange, 'shortPage')
  return short ? (short.spec.rows ?? 1) : 0
}

function realmOf(request: Request): string {
  return String(request.params.realmId)
}

function parsedBody(request: Request): unknown {
  try {
    return JSON.parse(bodyOf(request))
  } catch {
    return null
  }
}

function bodyOf(request: Request): string {
  return textOf(request.body)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
