import { LedgerError } from '../domain/ledger-error.ts'
import { intuitTidOf, type Answer } from './answer.ts'
import { parseMoment } from './moment.ts'
import { isJsonArray, isJsonObject, isNumberText, type Json, type JsonObject } from '../domain/parse-json.ts'

/** What every answer to a read has: the moment it describes. */
export interface Observed {
  readonly observedAt: Date
  readonly intuitTid: string | null
}

interface QueryRows extends Observed {
  readonly rows: readonly Json[]
}

interface ChangesEnvelope extends Observed {
  /** Rows by Intuit's name for the entity; only names that have rows. */
  readonly rows: ReadonlyMap<string, readonly Json[]>
}

/**
 * The readers of Intuit's envelopes, for answers in which no fault was found. An unexpected answer throws
 * `unavailable`: it is never taken for an empty page.
 */
export function readQueryRows(answer: Answer, intuitName: string): QueryRows {
  const response = objectIn(answer, bodyOf(answer), 'QueryResponse')
  return { ...observed(answer), rows: rowsOf(answer, response, intuitName) }
}

export function readCount(answer: Answer): Observed & { readonly count: number } {
  const total = objectIn(answer, bodyOf(answer), 'QueryResponse')['totalCount']
  if (!isNumberText(total) || !/^\d+$/.test(total.rawJSON)) throw unexpected(answer, 'a totalCount')
  return { ...observed(answer), count: Number(total.rawJSON) }
}

/** Groups are found by key, not by position: Intuit promises no order, and an empty one is `{}`. */
export function readChanges(answer: Answer): ChangesEnvelope {
  const groups = groupsOf(answer)
  const rows = new Map<string, readonly Json[]>()
  for (const [name, value] of groups.flatMap((group) => Object.entries(group))) {
    if (isJsonArray(value)) rows.set(name, [...(rows.get(name) ?? []), ...value])
    else if (!PAGE_FIELDS.has(name)) throw unexpected(answer, `a list under ${name}`)
  }
  return { ...observed(answer), rows: new Map([...rows].filter(([, list]) => list.length > 0)) }
}

/** A single object such as CompanyInfo. */
export function readSingle(answer: Answer, intuitName: string): Observed & { readonly object: JsonObject } {
  return { ...observed(answer), object: objectIn(answer, bodyOf(answer), intuitName) }
}

/** A result merged from several answers describes the moment of the first. */
export function earliest(answers: readonly Observed[]): Date {
  return new Date(Math.min(...answers.map(({ observedAt }) => observedAt.getTime())))
}

// The fields beside the rows.
const PAGE_FIELDS: ReadonlySet<string> = new Set(['startPosition', 'maxResults', 'totalCount'])

function groupsOf(answer: Answer): JsonObject[] {
  const responses = bodyOf(answer)['CDCResponse']
  if (!isJsonArray(responses) || responses.length === 0) throw unexpected(answer, 'a CDCResponse')
  return responses.flatMap((response) => {
    const groups = isJsonObject(response) ? response['QueryResponse'] : undefined
    if (!isJsonArray(groups) || !groups.every(isJsonObject)) throw unexpected(answer, 'a QueryResponse')
    return groups
  })
}

/** A missing key means no rows, unless the envelope counts some. */
function rowsOf(answer: Answer, response: JsonObject, intuitName: string): readonly Json[] {
  const rows = response[intuitName]
  if (isJsonArray(rows)) return rows
  const others = Object.keys(response).filter((name) => !PAGE_FIELDS.has(name))
  if (others.length > 0 || countsRows(response['maxResults']))
    throw unexpected(answer, `a list of ${intuitName}`)
  return []
}

function countsRows(maxResults: Json | undefined): boolean {
  return isNumberText(maxResults) && Number(maxResults.rawJSON) > 0
}

function observed(answer: Answer): Observed {
  const time = bodyOf(answer)['time']
  const observedAt = typeof time === 'string' ? parseMoment(time) : null
  if (!observedAt) throw unexpected(answer, 'the time for which it speaks')
  return { observedAt, intuitTid: intuitTidOf(answer) }
}

function objectIn(answer: Answer, place: JsonObject, name: string): JsonObject {
  const value = place[name]
  if (!isJsonObject(value)) throw unexpected(answer, `a ${name}`)
  return value
}

function bodyOf(answer: Answer): JsonObject {
  if (!isJsonObject(answer.body)) throw unexpected(answer, 'a JSON object')
  return answer.body
}

/** An answer that lacks a required part: from a gateway, or damaged. */
export function unexpected(answer: Answer, missing: string): LedgerError {
  return new LedgerError('unavailable', `QuickBooks answered ${answer.status} without ${missing}`, {
    details: { intuitTid: intuitTidOf(answer), httpStatus: answer.status },
  })
}
