import { z } from 'zod'
import { ENTITIES } from '../../domain/entity.ts'
import { ERROR_CODES } from '../../domain/ledger-error.ts'
import { PROBLEM_TYPE } from '../problem/problem.ts'
import { oneOf, qboId, realmId, rowId } from '../request/fields.ts'
import { operations, type Operation } from './operations.ts'

type Json = Readonly<Record<string, unknown>>

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly schema: Json
}

export interface DescribedOperation {
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Json }
  readonly responses: Readonly<Record<string, { readonly description: string }>>
}

export interface OpenApi {
  readonly openapi: '3.1.0'
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>
}

/**
 * The OpenAPI document of the routes: requests from the very schemas that validate them, answers from those to which the
 * tests hold every answer.
 */
export function openApi(version: string): OpenApi {
  const paths: Record<string, Record<string, DescribedOperation>> = {}
  for (const operation of operations()) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [operation.method]: described(operation) }
  }
  return {
    openapi: '3.1.0',
    ...{
      info: { title: 'Ledger Mirror', version, description: DESCRIPTION },
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
        schemas: { Problem: schemaOf(PROBLEM) },
      },
    },
    paths,
  }
}

const DESCRIPTION =
  'Times are ISO 8601 in UTC, money is a decimal text. Every answer carries its X-Request-Id, which the log knows.'

const PROBLEM = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(ERROR_CODES),
  requestId: z.string(),
  instance: z.string(),
  errors: z.array(z.looseObject({ field: z.string(), message: z.string() })).optional(),
})

const PATH_PARAMETERS: Readonly<Record<string, z.ZodType>> = {
  realmId,
  qboId,
  id: rowId,
  entity: oneOf(ENTITIES),
}

function described(operation: Operation): DescribedOperation {
  const { path, summary, query, body } = operation
  const area = path.split('/')[1]!
  const isOpen = area !== 'api' && area !== 'admin'
  return {
    summary,
    tags: [isOpen ? 'open' : area],
    ...(isOpen ? {} : { security: [{ bearer: [] }] }),
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(body && { requestBody: { content: { 'application/json': { schema: schemaOf(body) } } } }),
    responses: responses(operation),
  }
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name: name!,
    in: 'path',
    required: true,
    schema: schemaOf(PATH_PARAMETERS[name!]!),
  }))
}

function queryParameters(query: z.ZodType): Parameter[] {
  const { properties = {}, required = [] } = schemaOf(query) as {
    properties?: Readonly<Record<string, Json>>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: withoutNull(schema),
  }))
}

/** A query cannot say null: there it only means that the parameter may be left out. */
function withoutNull({ default: value, anyOf, ...schema }: Json): Json {
  const kept = (anyOf as readonly Json[] | undefined)?.filter(({ type }) => type !== 'null')
  return {
    ...(kept?.length === 1 ? { ...schema, ...kept[0] } : { ...schema, ...(kept && { anyOf: kept }) }),
    ...(value === undefined || value === null ? {} : { default: value }),
  }
}

function responses({ answers, mediaType = 'application/json' }: Operation): DescribedOperation['responses'] {
  const good = Object.entries(answers).map(([status, { means, schema }]) => [
    status,
    {
      description: means,
      headers: REQUEST_ID,
      content: { [mediaType]: schema === null ? {} : { schema: schemaOf(schema) } },
    },
  ])
  const problem = { schema: { $ref: '#/components/schemas/Problem' } }
  const bad = { description: 'a problem', headers: REQUEST_ID, content: { [PROBLEM_TYPE]: problem } }
  return { ...Object.fromEntries(good), default: bad } as DescribedOperation['responses']
}

const REQUEST_ID = { 'X-Request-Id': { schema: { type: 'string' } } }

/** As a client sends it, before anything is read out of it. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}
