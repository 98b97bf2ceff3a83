import { z } from 'zod'
import { LISTS } from '../../books/lists.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { changesQuery } from '../api/change-routes.ts'
import { COMPANY_LIST_QUERY } from '../api/company-list.ts'
import { listQuery } from '../api/list-query.ts'
import { RECORD_QUERY, SERIES_QUERY } from '../api/mirror-routes.ts'
import { PORTFOLIO_QUERY } from '../api/portfolio-routes.ts'
import { COMPARE_QUERY, versionsQuery } from '../api/version-routes.ts'
import { REGISTRATION } from '../companies/company-routes.ts'
import { companiesQuery } from '../companies/list-companies.ts'
import { SETTINGS } from '../companies/settings.ts'
import { REDRIVE_BODY } from '../dead-letters/dead-letter-routes.ts'
import { eventsQuery } from '../events/event-routes.ts'
import { rejectsQuery } from '../rejects/reject-routes.ts'
import { NO_FIELDS } from '../request/fields.ts'
import { runsQuery } from '../runs/run-routes.ts'
import { SYNC_BODY, SYNC_QUERY } from '../sync/sync-routes.ts'
import * as admin from './admin-answers.ts'
import * as api from './api-answers.ts'

/** One method of one route, with the schemas that validate its requests. */
export interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'patch'
  /** As Express takes it. */
  readonly path: string
  readonly summary: string
  /** By status of success. */
  readonly answers: Readonly<Record<number, Answer>>
  readonly query: z.ZodType
  /** Absent: a body is not read. */
  readonly body?: z.ZodType
  /** Absent: JSON. */
  readonly mediaType?: string
}

export interface Answer {
  readonly means: string
  /** What its body holds; null for what is not of ours to describe. */
  readonly schema: z.ZodType | null
}

/** Everything that answers programs. A test holds it against the routes themselves. */
export function operations(): readonly Operation[] {
  return [...API, ...ADMIN, ...OPEN]
}

function get(
  path: string,
  summary: string,
  query: z.ZodType,
  means: string,
  schema: z.ZodType | null,
): Operation {
  return { method: 'get', path, summary, query, answers: { 200: { means, schema } } }
}

function post(
  path: string,
  summary: string,
  answers: Operation['answers'],
  { query = NO_FIELDS, body = NO_FIELDS }: { query?: z.ZodType; body?: z.ZodType } = {},
): Operation {
  return { method: 'post', path, summary, query, body, answers }
}

const ONE = '/api/companies/:realmId'
const OPERATED = '/admin/companies/:realmId'

const API: readonly Operation[] = [
  get(
    '/api/portfolio',
    'Every company in one answer',
    PORTFOLIO_QUERY,
    'companies, and totals by currency',
    api.PORTFOLIO,
  ),
  get(
    '/api/companies',
    'The companies a reader may see',
    COMPANY_LIST_QUERY,
    'a page of companies',
    api.COMPANIES,
  ),
  get(
    '/api/changes',
    'What changed in all companies',
    changesQuery(''),
    'a page of the feed',
    api.ALL_CHANGES,
  ),
  get(
    `${ONE}/changes`,
    'What changed in one company',
    changesQuery(''),
    'a page of the feed',
    api.CHANGES_OF_ONE,
  ),
  ...ENTITIES.flatMap((entity) => {
    const path = `${ONE}/${LISTS[entity]}`
    const { list, one } = api.recordAnswers(entity)
    return [
      get(
        path,
        `The ${LISTS[entity]} of a company`,
        listQuery(entity),
        'a page of records, with its trust',
        list,
      ),
      get(`${path}/:qboId`, `One ${entity}`, RECORD_QUERY, 'the record, with its trust', one),
      get(
        `${path}/:qboId/versions`,
        `The versions of one ${entity}, oldest first`,
        versionsQuery(''),
        'a page',
        api.VERSIONS,
      ),
      get(
        `${path}/:qboId/versions/compare`,
        `What differs between two versions of one ${entity}`,
        COMPARE_QUERY,
        'which two they are, and their difference',
        api.COMPARISON,
      ),
    ]
  }),
  get(
    `${ONE}/balances/:qboId/series`,
    'What an account showed at the end of each day, week or month',
    SERIES_QUERY,
    'one balance a step',
    api.SERIES,
  ),
]

const ACCEPTED = 'asked for; Location names where to look, Retry-After when'
const CHANGED = { 200: { means: 'the company as it is now', schema: admin.ONE_COMPANY } }

const ADMIN: readonly Operation[] = [
  get(
    '/admin/companies',
    'Companies as their operator sees them',
    companiesQuery(''),
    'a page of companies',
    admin.OPERATED_COMPANIES,
  ),
  get(OPERATED, 'One company as its operator sees it', NO_FIELDS, 'the company', admin.ONE_COMPANY),
  {
    method: 'put',
    path: OPERATED,
    summary: 'Register a company, or replace its tokens',
    query: NO_FIELDS,
    body: REGISTRATION,
    answers: {
      200: { means: 'the tokens are replaced', schema: admin.REGISTERED },
      201: { means: 'the company is registered', schema: admin.REGISTERED },
    },
  },
  {
    method: 'patch',
    path: OPERATED,
    summary: 'Change what the firm says of a company',
    query: NO_FIELDS,
    body: SETTINGS,
    answers: CHANGED,
  },
  post(`${OPERATED}/pause`, 'Stop syncing a company', CHANGED),
  post(`${OPERATED}/resume`, 'Sync a company again', CHANGED),
  post(`${OPERATED}/disconnect`, 'Revoke the tokens, keep the mirror', {
    200: { means: 'the company as it is now', schema: admin.DISCONNECTED },
  }),
  get(
    `${OPERATED}/events`,
    'What happened to a company and who did it',
    eventsQuery(''),
    'a page of events',
    admin.EVENTS,
  ),
  get(
    '/admin/events',
    'What happened to all companies and who did it',
    eventsQuery(''),
    'a page of events',
    admin.EVENTS,
  ),
  get(
    `${OPERATED}/rejects`,
    'What could not be taken and why',
    rejectsQuery(''),
    'a page of rejects',
    admin.REJECTS,
  ),
  post(`${OPERATED}/rejects/retry`, 'Try what could not be taken again', {
    202: { means: ACCEPTED, schema: admin.RETRY_ACCEPTED },
  }),
  post(`${OPERATED}/disappearances/:entity/confirm`, 'Confirm that vanished records are gone', {
    202: { means: ACCEPTED, schema: admin.CONFIRMATION_ACCEPTED },
  }),
  post(
    '/admin/sync',
    'Ask for a sync of every active company',
    { 202: { means: 'the companies for which a run was asked', schema: admin.ALL_ASKED } },
    { body: SYNC_BODY },
  ),
  post(
    '/admin/sync/:realmId',
    'Ask for a sync of one company',
    {
      200: { means: 'the run that served the request', schema: admin.SYNC_SERVED },
      202: { means: ACCEPTED, schema: admin.SYNC_ACCEPTED },
    },
    { query: SYNC_QUERY, body: SYNC_BODY },
  ),
  get(
    '/admin/connections/at-risk',
    'Connections that ended or will end, soonest first',
    NO_FIELDS,
    'the connections, when and why they end, and what to do',
    admin.AT_RISK,
  ),
  get('/admin/dead-letters', 'Jobs that the queue has given up', NO_FIELDS, 'the jobs', admin.DEAD_LETTERS),
  post(
    '/admin/dead-letters/redrive',
    'Try jobs that were given up again',
    { 202: { means: 'the companies for which a run was asked', schema: admin.REDRIVEN } },
    { body: REDRIVE_BODY },
  ),
  get('/admin/sync/runs', 'Runs, newest first', runsQuery(''), 'a page of runs', admin.RUNS),
  get('/admin/sync/runs/:id', 'One run', NO_FIELDS, 'the run', admin.ONE_RUN),
]

// Whatever comes is answered with 200 once it is signed.
const WEBHOOK_BODY = z.union([
  z.array(z.unknown()),
  z.looseObject({ eventNotifications: z.array(z.unknown()) }),
])

const OPEN: readonly Operation[] = [
  get('/healthz', 'Whether the process lives', NO_FIELDS, 'it does', admin.ALIVE),
  get('/readyz', 'Whether the service can serve', NO_FIELDS, 'it can', admin.READY),
  { ...get('/metrics', 'For Prometheus', NO_FIELDS, 'the text format', null), mediaType: 'text/plain' },
  {
    ...post('/webhooks/quickbooks', 'For Intuit: something changed, signed in intuit-signature', {
      200: { means: 'runs are asked for', schema: null },
    }),
    body: WEBHOOK_BODY,
  },
  get('/openapi.json', 'This description', NO_FIELDS, 'OpenAPI 3.1', null),
]
