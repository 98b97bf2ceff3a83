import { normalDecimal } from '../../domain/money.ts'
import {
  isJsonArray,
  isJsonObject,
  isNumberText,
  parseJson,
  type Json,
  type JsonObject,
} from '../../domain/parse-json.ts'

// Bookkeeping, and coordinates that come and go with the geocoder: not content, at any depth.
const NOISE: ReadonlySet<string> = new Set(['domain', 'sparse', 'SyncToken', 'MetaData', 'Lat', 'Long'])

/**
 * The content of a payload as a tree: without noise, empty objects and empty lists, every number in normal form.
 * References keep their names, for the descriptions; comparisons leave them out with `isReference`.
 */
export function payloadContent(payload: JsonObject, alsoNoise: readonly string[] = []): JsonObject {
  const kept = Object.entries(payload)
    .filter(([key]) => !NOISE.has(key) && !alsoNoise.includes(key))
    .map(([key, value]) => [key, contentOf(value)] as const)
    .filter(([, value]) => !isEmpty(value))
  return Object.fromEntries(kept)
}

/** A reference such as `{ "value": "3", "name": "Net 30" }` under a key ending in `Ref`: the name is a copy made at read time. */
export function isReference(value: Json | undefined, key: string): value is JsonObject {
  if (!key.endsWith('Ref') || !isJsonObject(value) || !('value' in value)) return false
  return Object.keys(value).every((name) => name === 'value' || name === 'name')
}

/**
 * Text that is equal exactly when two trees mean the same: keys and linked transactions sorted, names of references
 * left out.
 */
export function canonicalText(value: Json, key = ''): string {
  if (isNumberText(value)) return value.rawJSON
  if (isJsonArray(value)) {
    const elements = value.map((element) => canonicalText(element))
    return `[${(key === 'LinkedTxn' ? elements.sort() : elements).join(',')}]`
  }
  if (!isJsonObject(value)) return JSON.stringify(value)
  const isNamed = isReference(value, key)
  const members = Object.keys(value)
    .filter((name) => !(isNamed && name === 'name'))
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalText(value[name]!, name)}`)
  return `{${members.join(',')}}`
}

/** The same tree as JSON of plain values: numbers are decimal text, because only QuickBooks knows which are money. */
export function plainJson(value: Json | undefined): PlainJson {
  if (value === undefined) return null
  if (isNumberText(value)) return value.rawJSON
  if (isJsonArray(value)) return value.map(plainJson)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainJson(inner)]))
}

export type PlainJson = string | boolean | null | PlainJson[] | { [key: string]: PlainJson }

function contentOf(value: Json): Json {
  if (isNumberText(value)) return parseJson(normalDecimal(value.rawJSON) ?? value.rawJSON)
  if (isJsonArray(value)) return value.map(contentOf)
  return isJsonObject(value) ? payloadContent(value) : value
}

function isEmpty(value: Json): boolean {
  if (isJsonArray(value)) return value.length === 0
  return isJsonObject(value) && Object.keys(value).length === 0
}
