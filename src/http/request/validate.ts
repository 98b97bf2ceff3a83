import type { Request } from 'express'
import { z } from 'zod'
import { LedgerError } from '../../domain/ledger-error.ts'

/**
 * The validated parts of a request, which need no further checks.
 *
 * @throws LedgerError `invalid_request` naming every field that is wrong, missing or unknown.
 */
export function readParams<Schema extends z.ZodType>(request: Request, schema: Schema): z.output<Schema> {
  return parse(schema, request.params, 'path')
}

export function readQuery<Schema extends z.ZodType>(request: Request, schema: Schema): z.output<Schema> {
  return parse(schema, queryOf(request), 'query')
}

/** The query of a form in a page, which sends every field: those left empty count as absent. */
export function readForm<Schema extends z.ZodType>(request: Request, schema: Schema): z.output<Schema> {
  const filled = Object.entries(queryOf(request)).filter(([, value]) => value !== '')
  return parse(schema, Object.fromEntries(filled), 'query')
}

/**
 * The query, of which every part says what its bytes say: Express takes what cannot be decoded as it stands or puts
 * U+FFFD in its place, and a search for that would find nothing instead of being refused.
 */
function queryOf(request: Request): Request['query'] {
  const at = request.url.indexOf('?')
  const parts = at < 0 ? [] : request.url.slice(at + 1).split('&')
  const fields = parts
    .filter((part) => !isDecodable(part))
    .map((part) => ({ field: shownName(part.split('=')[0]!) || 'query', message: UNDECODABLE }))
  if (fields.length > 0) throw refusalOf(fields)
  return request.query
}

const UNDECODABLE = 'is not percent-encoded UTF-8'

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** A request without a body is one with an empty object. */
export function readBody<Schema extends z.ZodType>(request: Request, schema: Schema): z.output<Schema> {
  return parse(schema, (request.body as unknown) ?? {}, 'body')
}

// Anything longer than this is not a name.
const LONGEST_NAME = 100

/** A field's name as it came, but for control characters, which no page and no terminal can bear. */
function shownName(name: string): string {
  return name.slice(0, LONGEST_NAME).replaceAll(/\p{Cc}/gu, '\ufffd')
}

/** The same of a form that is posted. */
export function readFilledBody<Schema extends z.ZodType>(request: Request, schema: Schema): z.output<Schema> {
  const body = (request.body as Record<string, unknown> | undefined) ?? {}
  return parse(schema, Object.fromEntries(Object.entries(body).filter(([, value]) => value !== '')), 'body')
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, whole: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw refusalOf(withoutRepeats(parsed.error.issues.flatMap((issue) => fieldsOf(issue, whole, schema))))
}

function refusalOf(fields: readonly FieldProblem[]): LedgerError {
  return new LedgerError(
    'invalid_request',
    fields.map(({ field, message }) => `${field}: ${message}`).join('; '),
    { details: { fields } },
  )
}

interface FieldProblem {
  readonly field: string
  readonly message: string
}

/** Several rules of a field can share one message, and a text can break them all. */
function withoutRepeats(problems: readonly FieldProblem[]): FieldProblem[] {
  return [...new Map(problems.map((problem) => [`${problem.field}\n${problem.message}`, problem])).values()]
}

function fieldsOf(issue: z.core.$ZodIssue, whole: string, schema: z.ZodType): FieldProblem[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: [...path, shownName(key)].join('.') || whole,
      message: `is not known here${knownFields(schema)}`,
    }))
  }
  return [{ field: path.join('.') || whole, message: issue.message }]
}

function knownFields(schema: z.ZodType): string {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  return known.length === 0 ? '' : `; known fields are ${known.join(', ')}`
}
