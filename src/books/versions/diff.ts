import type { Entity } from '../../domain/entity.ts'
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../domain/parse-json.ts'
import { matchElements } from './match-elements.ts'
import { canonicalText, plainJson, type PlainJson } from './payload-content.ts'
import { SHOWN_FIELDS } from './shown-content.ts'

/** One difference. Steps are names of members, and `[Id=2]` for an element of a list. */
export interface Difference {
  readonly steps: readonly string[]
  readonly before: Json | undefined
  readonly after: Json | undefined
}

/** A difference as it is shown: numbers are decimal text, what is absent is null. */
export interface DiffEntry {
  readonly path: string
  readonly before: PlainJson
  readonly after: PlainJson
}

/**
 * What differs between two versions as `shownContent` gives them, both judged by the same day: each member that
 * changed, and an object or an element that came or went as a whole. Where only the order of a list changed, the path
 * is the list's and the values are its selectors. Applied to the first, the differences give the second.
 */
export function diff(entity: Entity, before: JsonObject, after: JsonObject): Difference[] {
  const differences = diffObjects(before, after, [])
  const members = new Set(differences.map(({ steps }) => steps[0]!))
  const covered = new Set(
    Object.entries(SHOWN_FIELDS[entity]).flatMap(([member, field]) => (members.has(member) ? [field] : [])),
  )
  // A field that a named member shows is not counted twice.
  return differences.filter(({ steps }) => !(steps[0] === 'details' && covered.has(steps[1]!)))
}

export function diffEntry({ steps, before, after }: Difference): DiffEntry {
  return { path: pathText(steps), before: plainJson(before), after: plainJson(after) }
}

/** One value of two versions side by side. */
export interface SideBySide extends DiffEntry {
  readonly steps: readonly string[]
  readonly differs: boolean
}

/** Every value of two versions as `shownContent` gives them, in the order of the first, with what differs marked. */
export function sideBySide(entity: Entity, before: JsonObject, after: JsonObject): SideBySide[] {
  const differing = new Map(
    diff(entity, before, after).map((difference) => [pathText(difference.steps), difference]),
  )
  const rows = leaves(before, after, []).filter(
    ({ steps }) => !(steps[0] === 'details' && isShownByName(entity, steps[1]!)),
  )
  const same = rows
    .filter(({ steps }) => !isWithin(differing, steps))
    .map((row) => ({ ...row, ...diffEntry(row), differs: false }))
  const changed = [...differing.values()].map((row) => ({ ...row, ...diffEntry(row), differs: true }))
  const place = new Map(rows.map(({ steps }, at) => [pathText(steps), at]))
  const placeOf = ({ steps, path }: SideBySide) =>
    place.get(path) ?? rows.findIndex((row) => steps.every((step, at) => row.steps[at] === step))
  return [...same, ...changed].sort((one, other) => placeOf(one) - placeOf(other))
}

function isShownByName(entity: Entity, field: string): boolean {
  return Object.values(SHOWN_FIELDS[entity]).includes(field)
}

/** Whether a difference is of this value, or of something that it is a part of. */
function isWithin(differing: ReadonlyMap<string, Difference>, steps: readonly string[]): boolean {
  return steps.some((_, at) => differing.has(pathText(steps.slice(0, at + 1))))
}

function leaves(before: Json | undefined, after: Json | undefined, steps: readonly string[]): Difference[] {
  const one = before ?? after
  const other = after ?? before
  if (isJsonObject(one) && isJsonObject(other)) {
    const names = new Set([...Object.keys(one), ...Object.keys(other)])
    const partOf = (value: Json | undefined, name: string) => (isJsonObject(value) ? value[name] : undefined)
    return [...names].flatMap((name) => leaves(partOf(before, name), partOf(after, name), [...steps, name]))
  }
  if (isJsonArray(one) && isJsonArray(other)) {
    const { pairs } = matchElements(isJsonArray(before) ? before : [], isJsonArray(after) ? after : [])
    return pairs.flatMap((pair) => leaves(pair.before, pair.after, [...steps, `[${pair.selector}]`]))
  }
  return [{ steps, before, after }]
}

function diffObjects(before: JsonObject, after: JsonObject, steps: readonly string[]): Difference[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name) => diffValues(before[name], after[name], name, [...steps, name]))
}

function diffValues(
  before: Json | undefined,
  after: Json | undefined,
  key: string,
  steps: readonly string[],
): Difference[] {
  if (isSame(before, after, key)) return []
  if (isJsonObject(before) && isJsonObject(after)) return diffObjects(before, after, steps)
  if (isJsonArray(before) && isJsonArray(after)) return diffLists(before, after, key, steps)
  return [{ steps, before, after }]
}

function isSame(before: Json | undefined, after: Json | undefined, key: string): boolean {
  if (before === undefined || after === undefined) return before === after
  if (isParty(before, key) && isParty(after, key)) return before['id'] === after['id']
  return canonicalText(before, key) === canonicalText(after, key)
}

/** The name of a party is a copy, as in a reference: it means nothing while the party is the same. */
function isParty(value: Json, key: string): value is JsonObject {
  return (key === 'vendor' || key === 'customer') && isJsonObject(value) && 'id' in value
}

function diffLists(
  before: readonly Json[],
  after: readonly Json[],
  key: string,
  steps: readonly string[],
): Difference[] {
  const { pairs, order } = matchElements(before, after)
  const differences = pairs.flatMap(({ selector, before: one, after: other }) =>
    diffValues(one, other, '', [...steps, `[${selector}]`]),
  )
  // Which transactions are linked counts, not how they are sorted.
  if (order === null || key === 'LinkedTxn') return differences
  return [...differences, { steps, before: order.before, after: order.after }]
}

const PLAIN_NAME = /^[A-Za-z_$][\w$-]*$/

function pathText(steps: readonly string[]): string {
  return steps
    .map((step, at) => {
      if (step.startsWith('[') && step.endsWith(']')) return step
      if (!PLAIN_NAME.test(step)) return `[${JSON.stringify(step)}]`
      return at === 0 ? step : `.${step}`
    })
    .join('')
}
