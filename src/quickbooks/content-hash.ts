import { createHash } from 'node:crypto'

import { normalDecimal } from '../domain/money.ts'
import { isJsonArray, isJsonObject, isNumberText, type Json, type JsonObject } from '../domain/parse-json.ts'

// Fields that move although the record did not change: bookkeeping, and coordinates that come and go with the geocoder.
const NOISE: ReadonlySet<string> = new Set(['domain', 'sparse', 'SyncToken', 'MetaData', 'Lat', 'Long'])

/**
 * SHA-256, hex, of the content of a payload. Payloads with the same content have the same hash, however they are
 * written:
 * - keys are sorted; numbers are in normal form, so that 250 and 250.0 are one; `LinkedTxn` is sorted
 * - `domain`, `sparse`, `SyncToken`, `MetaData`, `Lat` and `Long` are left out at any depth
 * - so is a property whose value is an empty object or list, or becomes one by these rules: which of them are present
 *   depends on how a record is read. An empty element of a list stays, because it still counts as an element
 * - so is the `name` in an object of just `value` and `name` under a key ending in `Ref`: a copy made at read time
 * - so are the top-level properties named in `alsoNoise`
 *
 * Everything else is content, strings and numbers apart: "250" is not 250. When this rule changes, raise
 * MAPPING_VERSION.
 */
export function contentHash(payload: JsonObject, alsoNoise: readonly string[] = []): string {
  const content = Object.fromEntries(Object.entries(payload).filter(([key]) => !alsoNoise.includes(key)))
  return createHash('sha256').update(canonicalObject(content, '')).digest('hex')
}

function canonical(value: Json, key: string): string {
  if (isNumberText(value)) return normalDecimal(value.rawJSON) ?? value.rawJSON
  if (isJsonArray(value)) return canonicalList(value, key)
  if (isJsonObject(value)) return canonicalObject(value, key)
  return JSON.stringify(value)
}

function canonicalList(list: readonly Json[], key: string): string {
  const elements = list.map((element) => canonical(element, ''))
  return `[${(key === 'LinkedTxn' ? elements.sort() : elements).join(',')}]`
}

function canonicalObject(object: JsonObject, key: string): string {
  const properties = Object.entries(object)
    .filter(([name]) => !NOISE.has(name) && !(name === 'name' && isReference(object, key)))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, text: canonical(value, name) }))
    .filter(({ text }) => text !== '{}' && text !== '[]')
  return `{${properties.map(({ name, text }) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

function isReference(object: JsonObject, key: string): boolean {
  return key.endsWith('Ref') && Object.keys(object).length === 2 && 'value' in object && 'name' in object
}
